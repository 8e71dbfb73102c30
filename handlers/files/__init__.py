"""CSV files: uploads, downloads, versions, export."""
