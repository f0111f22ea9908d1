#!/usr/bin/env bash
# A Slurm cluster of one node, this machine, for tests: munged, slurmctld and slurmd of the user who
# types it, on ports of their own, with all their files in one folder. Installs nothing; on Debian the
# programs come with `apt-get install slurm-wlm munge`.
#
#   tests/slurm/single_node.sh start FOLDER     then: export PATH=FOLDER/bin:$PATH
#   tests/slurm/single_node.sh stop FOLDER
set -euo pipefail
export PATH="$PATH:/usr/sbin:/sbin"

usage() {
    echo "usage: $0 start|stop FOLDER" >&2
    exit 2
}

write_configuration() {
    local host port memory
    host=$(hostname -s)
    port=$((20000 + RANDOM % 10000))
    memory=$(awk '/^MemTotal/ {print int($2 / 1024 * 0.9)}' /proc/meminfo)
    cat > "$folder/slurm.conf" << EOF
ClusterName=single
SlurmctldHost=$host(127.0.0.1)
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=$folder/munge/socket
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
MinJobAge=3600
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
ReturnToService=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=$memory State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
EOF
}

# Programs that know this cluster, and no change of /etc. The variable alone does not do: Snakemake's
# executor clears it inside a job before it calls srun.
write_programs() {
    mkdir -p "$folder/bin"
    for program in sbatch scancel scontrol sinfo squeue srun; do
        printf '#!/bin/sh\nSLURM_CONF=%s exec %s "$@"\n' \
            "$folder/slurm.conf" "$(command -v "$program")" > "$folder/bin/$program"
        chmod +x "$folder/bin/$program"
    done
}

start() {
    mkdir -p "$folder"/{state,spool}
    mkdir -p -m 0700 "$folder/munge"
    (umask 077 && head -c 1024 /dev/urandom > "$folder/munge/key")
    write_configuration
    write_programs
    # its checks of the folders above its socket are for hosts with other users
    munged --force --key-file="$folder/munge/key" --socket="$folder/munge/socket" \
        --pid-file="$folder/munge/pid" --log-file="$folder/munge/log" \
        --seed-file="$folder/munge/seed" 2> "$folder/munge/warnings"
    slurmctld -f "$folder/slurm.conf"
    slurmd -f "$folder/slurm.conf"
    for _ in $(seq 60); do
        if [ "$(sinfo --noheader --format=%T 2> /dev/null)" = idle ]; then
            return
        fi
        sleep 0.5
    done
    echo "the node is not ready after 30 s:" >&2
    tail -n 20 "$folder"/slurmctld.log "$folder"/slurmd.log "$folder"/munge/log >&2
    stop
    exit 1
}

stop() {
    for file in slurmd.pid slurmctld.pid munge/pid; do
        if [ -s "$folder/$file" ]; then
            kill "$(cat "$folder/$file")" 2> /dev/null || true
        fi
    done
}

[ $# -eq 2 ] || usage
mkdir -p "$2"
folder=$(cd "$2" && pwd)
export SLURM_CONF="$folder/slurm.conf"
case $1 in
    start) start ;;
    stop) stop ;;
    *) usage ;;
esac
