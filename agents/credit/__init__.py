"""Credit: rewards after collection, and the advantages made from them."""
