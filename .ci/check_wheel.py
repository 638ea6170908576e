"""Check that a wheel holds both packages, their type markers, their data and the licences."""

import sys
import zipfile

WANTED = (
    "pinxit/__init__.py",
    "pinxit/py.typed",
    "pinxit/cli/templates/every/dot-gitignore.tmpl",
    "pinxit/cli/templates/provider/tests/test_NAME.py.tmpl",
    "pinxit/cli/templates/middleware/NAME.py.tmpl",
    "pinxit/cli/templates/routes/pyproject.toml.tmpl",
    "pinxit_providers/py.typed",
    "pinxit_providers/illustrator/__init__.py",
    "pinxit_providers/illustrator/data/icons.zip",
    "dist-info/entry_points.txt",
    "dist-info/licenses/LICENSE",
)

names = zipfile.ZipFile(sys.argv[1]).namelist()
missing = [wanted for wanted in WANTED if not any(name.endswith(wanted) for name in names)]
stray = [name for name in names if name.startswith(("tests/", "docs/"))]
if missing or stray:
    sys.exit(f"missing: {missing}; does not belong there: {stray}")
print(f"{len(names)} files, nothing missing")
