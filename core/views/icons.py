"""The pictures a company may give an object of its own, each with a word for it in the reader's language: it is looked for by that word."""

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import pgettext_lazy

ICONS: dict[str, Promise] = {
    "box": pgettext_lazy("icon", "Box"), "package": pgettext_lazy("icon", "Package"), "briefcase": pgettext_lazy("icon", "Briefcase"),
    "building": pgettext_lazy("icon", "Building"), "building-community": pgettext_lazy("icon", "Houses"),
    "building-factory": pgettext_lazy("icon", "Factory"), "building-warehouse": pgettext_lazy("icon", "Warehouse"),
    "home": pgettext_lazy("icon", "House"), "door": pgettext_lazy("icon", "Door"), "school": pgettext_lazy("icon", "School"),
    "bed": pgettext_lazy("icon", "Bed"), "armchair": pgettext_lazy("icon", "Armchair"), "key": pgettext_lazy("icon", "Key"),
    "lock": pgettext_lazy("icon", "Lock"),
    "car": pgettext_lazy("icon", "Car"), "truck": pgettext_lazy("icon", "Truck"), "truck-delivery": pgettext_lazy("icon", "Delivery truck"),
    "bus": pgettext_lazy("icon", "Bus"), "bike": pgettext_lazy("icon", "Bicycle"), "plane": pgettext_lazy("icon", "Plane"),
    "ship": pgettext_lazy("icon", "Ship"), "rocket": pgettext_lazy("icon", "Rocket"), "road": pgettext_lazy("icon", "Road"),
    "steering-wheel": pgettext_lazy("icon", "Steering wheel"), "engine": pgettext_lazy("icon", "Engine"), "gauge": pgettext_lazy("icon", "Gauge"),
    "gas-station": pgettext_lazy("icon", "Filling station"), "forklift": pgettext_lazy("icon", "Forklift"), "crane": pgettext_lazy("icon", "Crane"),
    "anchor": pgettext_lazy("icon", "Anchor"),
    "tool": pgettext_lazy("icon", "Spanner"), "tools": pgettext_lazy("icon", "Tools"), "hammer": pgettext_lazy("icon", "Hammer"),
    "ruler": pgettext_lazy("icon", "Ruler"), "paint": pgettext_lazy("icon", "Paint roller"), "palette": pgettext_lazy("icon", "Palette"),
    "plug": pgettext_lazy("icon", "Plug"), "bolt": pgettext_lazy("icon", "Lightning"), "lamp": pgettext_lazy("icon", "Lamp"),
    "cpu": pgettext_lazy("icon", "Chip"), "server": pgettext_lazy("icon", "Server"), "device-laptop": pgettext_lazy("icon", "Laptop"),
    "device-mobile": pgettext_lazy("icon", "Mobile phone"), "printer": pgettext_lazy("icon", "Printer"),
    "keyboard": pgettext_lazy("icon", "Keyboard"), "camera": pgettext_lazy("icon", "Camera"), "microscope": pgettext_lazy("icon", "Microscope"),
    "stethoscope": pgettext_lazy("icon", "Stethoscope"), "barcode": pgettext_lazy("icon", "Barcode"), "puzzle": pgettext_lazy("icon", "Puzzle"),
    "adjustments": pgettext_lazy("icon", "Sliders"), "settings": pgettext_lazy("icon", "Gear"),
    "user": pgettext_lazy("icon", "Person"), "users": pgettext_lazy("icon", "People"), "user-plus": pgettext_lazy("icon", "New person"),
    "heart": pgettext_lazy("icon", "Heart"), "star": pgettext_lazy("icon", "Star"), "award": pgettext_lazy("icon", "Medal"),
    "trophy": pgettext_lazy("icon", "Trophy"), "certificate": pgettext_lazy("icon", "Certificate"), "diamond": pgettext_lazy("icon", "Diamond"),
    "gift": pgettext_lazy("icon", "Gift"), "flag": pgettext_lazy("icon", "Flag"), "target": pgettext_lazy("icon", "Target"),
    "calendar": pgettext_lazy("icon", "Calendar"), "calendar-event": pgettext_lazy("icon", "Event"), "clock": pgettext_lazy("icon", "Clock"),
    "history": pgettext_lazy("icon", "History"), "bell": pgettext_lazy("icon", "Bell"), "ticket": pgettext_lazy("icon", "Ticket"),
    "phone": pgettext_lazy("icon", "Telephone"), "mail": pgettext_lazy("icon", "Envelope"), "message-circle": pgettext_lazy("icon", "Conversation"),
    "speakerphone": pgettext_lazy("icon", "Megaphone"), "inbox": pgettext_lazy("icon", "Inbox"), "send": pgettext_lazy("icon", "Paper plane"),
    "link": pgettext_lazy("icon", "Link"), "world": pgettext_lazy("icon", "Globe"), "map": pgettext_lazy("icon", "Map"),
    "map-pin": pgettext_lazy("icon", "Map pin"), "language": pgettext_lazy("icon", "Languages"),
    "file": pgettext_lazy("icon", "File"), "file-text": pgettext_lazy("icon", "Document"), "file-invoice": pgettext_lazy("icon", "Bill"),
    "contract": pgettext_lazy("icon", "Contract"), "signature": pgettext_lazy("icon", "Signature"), "receipt": pgettext_lazy("icon", "Receipt"),
    "report-money": pgettext_lazy("icon", "Statement"), "clipboard-check": pgettext_lazy("icon", "Checked clipboard"),
    "list-check": pgettext_lazy("icon", "To-do list"), "note": pgettext_lazy("icon", "Note"), "book": pgettext_lazy("icon", "Book"),
    "bookmark": pgettext_lazy("icon", "Bookmark"), "paperclip": pgettext_lazy("icon", "Paper clip"), "photo": pgettext_lazy("icon", "Picture"),
    "tag": pgettext_lazy("icon", "Label"), "category": pgettext_lazy("icon", "Categories"), "table": pgettext_lazy("icon", "Table"),
    "layout-kanban": pgettext_lazy("icon", "Board"), "hierarchy-2": pgettext_lazy("icon", "Hierarchy"),
    "coins": pgettext_lazy("icon", "Coins"), "currency-dollar": pgettext_lazy("icon", "Dollar"), "percentage": pgettext_lazy("icon", "Percent"),
    "chart-bar": pgettext_lazy("icon", "Bar chart"), "chart-line": pgettext_lazy("icon", "Line chart"), "trending-up": pgettext_lazy("icon", "Rise"),
    "shopping-cart": pgettext_lazy("icon", "Shopping cart"), "shopping-bag": pgettext_lazy("icon", "Shopping bag"),
    "arrows-exchange": pgettext_lazy("icon", "Exchange"), "recycle": pgettext_lazy("icon", "Recycling"),
    "shield-check": pgettext_lazy("icon", "Shield"), "alert-circle": pgettext_lazy("icon", "Warning"), "circle-check": pgettext_lazy("icon", "Done"),
    "cup": pgettext_lazy("icon", "Cup"), "shirt": pgettext_lazy("icon", "Shirt"), "leaf": pgettext_lazy("icon", "Leaf"),
    "plant": pgettext_lazy("icon", "Plant"), "flame": pgettext_lazy("icon", "Flame"), "sun": pgettext_lazy("icon", "Sun"),
    "moon": pgettext_lazy("icon", "Moon"),
}  # fmt: skip


def offered(chosen: str) -> list[dict[str, Any]]:
    """The pictures to choose from, with the words by which each is found; one that was chosen elsewhere stands among them. Cost: none."""
    known = ICONS if chosen in ICONS else {chosen: chosen, **ICONS}
    return [{"name": name, "label": label, "words": f"{label} {name}".lower()} for name, label in known.items()]
