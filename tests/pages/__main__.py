"""``python -m tests.pages``: write what is generated into every page, and the templates of `kotae init`."""

from tests.pages.sections import filled, with_sections
from tests.pages.templates import templates

for file, text in (*((page, filled(page)) for page in with_sections()), *templates()):
    if not file.exists() or file.read_text("utf-8") != text:
        file.write_text(text, encoding="utf-8")
        print(file.name)
