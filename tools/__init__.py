"""Programs that the project's maintainers run."""
