"""The environments as other libraries want them. Those libraries are not needed to import these modules."""
