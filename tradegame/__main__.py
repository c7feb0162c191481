"""``python -m tradegame``."""

from tradegame.cli import main

if __name__ == "__main__":
    main()
