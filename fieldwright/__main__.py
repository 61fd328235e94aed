"""`python -m fieldwright` is `interpret`."""

from fieldwright.cli import main

if __name__ == "__main__":
    main()
