"""From a patient's tumour segmentation and MRI to verified growth parameters.

The medical half of the project. It knows nothing of Snakemake: every step is a function
that takes paths and writes files. Importing this package imports no heavy dependency.
"""

from gbm.version import __version__

__all__ = ["__version__"]
