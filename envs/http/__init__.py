"""The HTTP server that environments and search are served by: limits, errors in JSON, and who may ask."""
