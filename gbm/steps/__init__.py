"""The pipeline, one file a rule, of its name.

Of a patient: check, register, tissue, domain, characteristic, baselines, then fit and verify for
each network, metrics (the result, with its table), export, report. Of a command: cohort, costs;
demo makes the demo patient.
"""
