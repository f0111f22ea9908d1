"""Samples of a posterior whose forward model is dear, and what they say; numpy alone."""
