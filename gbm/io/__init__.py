"""Files in and out: images, arrays, logs, provenance."""
