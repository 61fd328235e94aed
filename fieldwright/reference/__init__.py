"""The reference pages: made from the declarations that the program itself uses, so that they cannot say otherwise."""
