"""``python -m tests.pages``: write what is generated into every page."""

from tests.pages.sections import filled, with_sections

for page in with_sections():
    text = page.read_text("utf-8")
    if (new := filled(page)) != text:
        page.write_text(new, encoding="utf-8")
        print(page.name)
