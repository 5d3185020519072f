# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment that the neural engines run in, and the models they load: making, finding, removing.

    environment.py    what is there, which interpreter to use, uninstalling
    install.py        making it, step by step; may be broken off and started again at any point
    models.py         the model files: where they are, whether they may be used, getting them
    registry.py       which models there are (``vendor/neural/models.toml``)
    running.py        running a command line in it
    licences.py       what the person accepted
    inside/           the two programs that the environment's own interpreter runs

Everything but ``inside`` needs only the standard library, because it runs before there is an environment:
in Blender (on a thread of the add-on), on the command line, and in the worker to find model files.
Nothing here touches the interpreter it runs on; what it makes lies in one folder, see ``places``.
"""
