"""`python -m api.cli` is `pathrec`."""

from api.cli import main

# Guarded, because worker processes import this module anew.
if __name__ == "__main__":
    main()
