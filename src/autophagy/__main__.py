"""`python -m autophagy` is the command `autophagy`."""

from autophagy.cli.main import main

if __name__ == "__main__":
    main()
