# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar drawn with a layout that takes any call that Blender's takes, and what it was asked to show."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Button:
    """An operator's button: what it says, and the settings that it runs with."""

    operator: str
    text: str
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Drawn:
    """All panels that show, top to bottom."""

    texts: list[str] = field(default_factory=list)
    buttons: list[Button] = field(default_factory=list)


def draw_panels(bpy: Any) -> Drawn:
    """Have all panels that show drawn; a typo in ``draw`` shows only when it runs."""
    from wildseg3d_blender.addon.panels import sidebar

    drawn = Drawn()
    for cls in sidebar._CLASSES:
        if not issubclass(cls, bpy.types.Panel):
            continue
        if not hasattr(cls, "poll") or cls.poll(bpy.context):
            draw(cls, bpy.context, drawn)
    return drawn


def draw(panel: Any, context: Any, drawn: Drawn | None = None) -> Drawn:
    """Have one panel drawn, and add what it shows to ``drawn``."""
    drawn = drawn or Drawn()
    panel.draw(_Standin(_Recorder(drawn)), context)
    return drawn


def recording(drawn: Drawn) -> Any:
    """A layout for what draws into one that it is given; what it shows is added to ``drawn``."""
    return _Recorder(drawn)


def panel_texts(bpy: Any) -> list[str]:
    """The texts of all panels that show, top to bottom."""
    return draw_panels(bpy).texts


class _Standin:
    """What a panel's ``draw`` sees as ``self``."""

    def __init__(self, layout: _Recorder) -> None:
        self.layout = layout


class _Recorder:
    """Stands where a layout would be (without a window there is none); checks calls against the real one."""

    def __init__(self, drawn: Drawn) -> None:
        object.__setattr__(self, "drawn", drawn)

    def __getattr__(self, name: str) -> Any:
        import bpy

        function = bpy.types.UILayout.bl_rna.functions[name]
        known = {parameter.identifier for parameter in function.parameters}

        def call(*args: Any, **kwargs: Any) -> Any:
            assert set(kwargs) <= known, f"{name} has no {set(kwargs) - known}"
            if "text" in kwargs:
                self.drawn.texts.append(kwargs["text"])
            if name in ("prop", "template_list"):
                owner, attribute = (args[0], args[1]) if name == "prop" else (args[2], args[3])
                assert hasattr(owner, attribute), f"{owner} has no {attribute}"
            if name == "operator":
                kind, _, operator = args[0].partition(".")
                button = Button(args[0], kwargs.get("text", ""))
                self.drawn.buttons.append(button)
                return _Settings(getattr(getattr(bpy.ops, kind), operator).get_rna_type(), button)
            if name == "panel_prop":
                owner, attribute = args
                unfolded = getattr(owner, attribute)
                return _Recorder(self.drawn), _Recorder(self.drawn) if unfolded else None
            if name == "panel":
                return _Recorder(self.drawn), _Recorder(self.drawn)
            return _Recorder(self.drawn)

        return call

    def __setattr__(self, name: str, value: Any) -> None:
        import bpy

        assert name in bpy.types.UILayout.bl_rna.properties, name


class _Settings:
    """Takes an operator's properties, and only those it has."""

    def __init__(self, kind: Any, button: Button) -> None:
        object.__setattr__(self, "kind", kind)
        object.__setattr__(self, "button", button)

    def __setattr__(self, name: str, value: Any) -> None:
        assert name in self.kind.properties, name
        self.button.settings[name] = value
