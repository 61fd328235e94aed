"""The language server: what an editor asks about mapping files, answered from the same values that lint reads.

`server` speaks the protocol (and alone imports pygls); everything else is pure: a project's texts in, answers with
character offsets out. `projects` holds the texts and checks them anew with what `remembered` still knows, `places`
tells where a cursor is, `scopes` what an expression sees there, and one module each answers a kind of question.
"""
