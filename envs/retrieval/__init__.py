"""Finding documents: indexes by words and by vectors, remote services, and the service that others ask."""
