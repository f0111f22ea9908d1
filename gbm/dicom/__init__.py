"""DICOM: series and segmentations read, results written in the frame of a series."""
