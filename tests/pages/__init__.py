"""What is generated on the pages of docs/: ``python -m tests.pages`` writes it, and tests/test_documents.py compares.

On a page, `<!-- generated: NAME -->` and `<!-- /generated -->` enclose what `sections.SECTIONS[NAME]` returns for the
page's language. `site` is the hook of mkdocs that makes the website of the same pages.
"""

OUTSIDE = {
    "README.md": "index.md",
    "README.ja.md": "index.ja.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
}
"""Pages beside docs/, and where they are in the site."""
