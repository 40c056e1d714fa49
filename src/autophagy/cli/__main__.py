"""`python -m autophagy.cli` is the command `autophagy`."""

from .main import main

if __name__ == "__main__":
    main()
