"""Knowledge bases that are fetched from elsewhere: a published sheet, a file in Git, an object behind a signed link."""
