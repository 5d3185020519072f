# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs for the interpreter of the neural environment; nothing else imports them."""
