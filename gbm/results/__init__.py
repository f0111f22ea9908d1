"""What a run found: parameters, quality, verdict, images, cohort."""
