"""``python -m facegen`` is the command ``facegen``."""

from facegen.cli import main

if __name__ == "__main__":
    main()
