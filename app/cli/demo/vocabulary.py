"""What the demo shop sells: its categories, and the words that products of each are made of."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Range:
    """One kind of goods. Prices are minor units, weights grams, options what a shopper chooses."""

    merchant: str
    things: tuple[str, ...]
    materials: tuple[str, ...]
    makers: tuple[str, ...]
    price: tuple[int, int]
    weight_g: tuple[int, int]
    options: dict[str, tuple[str, ...]] = field(default_factory=dict)
    note: str = ""
    tax_code: str = "standard"


# Slug, name, parent; parents first.
CATEGORIES: tuple[tuple[str, str, str | None], ...] = (
    ("clothing", "Clothing", None),
    ("jackets", "Jackets", "clothing"),
    ("sweaters", "Sweaters", "clothing"),
    ("shirts", "Shirts", "clothing"),
    ("trousers", "Trousers", "clothing"),
    ("shoes", "Shoes", "clothing"),
    ("boots", "Boots", "shoes"),
    ("sneakers", "Sneakers", "shoes"),
    ("home", "Home", None),
    ("furniture", "Furniture", "home"),
    ("tables", "Tables", "furniture"),
    ("chairs", "Chairs", "furniture"),
    ("lighting", "Lighting", "home"),
    ("textiles", "Textiles", "home"),
    ("ceramics", "Ceramics", "home"),
    ("kitchen", "Kitchen", None),
    ("cookware", "Cookware", "kitchen"),
    ("knives", "Knives", "kitchen"),
    ("outdoor", "Outdoor", None),
    ("tents", "Tents", "outdoor"),
    ("backpacks", "Backpacks", "outdoor"),
    ("sleeping-bags", "Sleeping bags", "outdoor"),
    ("pantry", "Pantry", None),
    ("tea", "Tea", "pantry"),
    ("chocolate", "Chocolate", "pantry"),
    ("books", "Books", None),
)

MERCHANTS: tuple[tuple[str, str], ...] = (
    ("blue-barn", "Blue Barn"),
    ("kiln-and-oak", "Kiln & Oak"),
    ("paper-harbour", "Paper Harbour"),
)

LINES = (
    "Skagen", "Alder", "Fjord", "Marlow", "Tarn", "Linden", "Harbour", "Bracken", "Solway", "Aster",
    "Cove", "Hollow", "Ridge", "Juniper", "Meadow", "Pebble", "Rowan", "Sorrel", "Thistle", "Osier",
    "Birch", "Drift", "Ember", "Frost", "Grove", "Heather", "Inlet", "Kestrel", "Lark", "Moor",
)  # fmt: skip

_SIZES = ("XS", "S", "M", "L", "XL")
_FEET = ("38", "39", "40", "41", "42", "43", "44")
_EARTH = ("black", "navy", "olive", "sand", "rust")
_GLAZES = ("chalk", "indigo", "moss", "ochre")
_WEAVERS = ("Northwind", "Halden", "Pine & Co", "Varga", "Blue Barn", "Tweedmouth", "Isla")
_COBBLERS = ("Halden", "Stride", "Okan", "Brennan", "Rautio", "Pine & Co")
_JOINERS = ("Kiln & Oak", "Norrby", "Atelier Bisou", "Hargrove", "Studio Lund", "Mattson")
_SMITHS = ("Osby", "Kurokawa", "Lefèvre", "Hargrove", "Steinbach", "Kiln & Oak")
_TRAIL = ("Northwind", "Summit Works", "Tarn", "Okan", "Cairngorm", "Longday")
_GROWERS = ("Harbour", "Meadowlark", "Casa Verde", "Tregothnan Lane", "Old Quay", "Ember & Ash")
_PRESSES = ("Paper Harbour", "Lantern Press", "Quay Editions", "Ninth Wave", "Orchard House")

RANGES: dict[str, Range] = {
    "jackets": Range(
        "blue-barn",
        ("Rain Jacket", "Field Jacket", "Down Jacket", "Parka", "Work Jacket", "Windbreaker"),
        ("Waxed Cotton", "Recycled Nylon", "Wool", "Canvas", "Ripstop", "Leather"),
        _WEAVERS, (7_900, 34_900), (500, 1_600), {"size": _SIZES, "color": _EARTH},
        "Cut for layers, with taped seams where the weather gets in.",
    ),
    "sweaters": Range(
        "blue-barn",
        ("Crew Sweater", "Cardigan", "Roll Neck", "Fisherman Sweater", "Vest", "Hoodie"),
        ("Merino", "Lambswool", "Cashmere", "Cotton", "Alpaca", "Donegal"),
        _WEAVERS, (4_900, 22_900), (300, 900), {"size": _SIZES, "color": _EARTH},
        "Knitted in one piece, and heavier than it looks.",
    ),
    "shirts": Range(
        "blue-barn",
        ("Oxford Shirt", "Flannel Shirt", "Linen Shirt", "Overshirt", "Polo Shirt", "T-Shirt"),
        ("Cotton", "Organic Cotton", "Linen", "Brushed Cotton", "Hemp", "Chambray"),
        _WEAVERS, (1_900, 9_900), (150, 450), {"size": _SIZES, "color": _EARTH},
        "Washed before it is sewn, so that it stays the size you chose.",
    ),
    "trousers": Range(
        "blue-barn",
        ("Chinos", "Jeans", "Work Trousers", "Corduroys", "Walking Trousers", "Shorts"),
        ("Cotton Twill", "Selvedge Denim", "Canvas", "Wool Flannel", "Stretch", "Linen"),
        _WEAVERS, (3_900, 16_900), (350, 900), {"size": _SIZES, "color": _EARTH},
        "A straight leg, deep pockets and a hem that can be let down.",
    ),
    "boots": Range(
        "blue-barn",
        ("Hiking Boots", "Chelsea Boots", "Work Boots", "Walking Boots", "Winter Boots"),
        ("Leather", "Suede", "Nubuck", "Oiled Leather", "Waterproof", "Vegan Leather"),
        _COBBLERS, (8_900, 32_900), (900, 1_900), {"size": _FEET, "color": ("black", "brown")},
        "Welted soles that a cobbler can replace.",
    ),
    "sneakers": Range(
        "blue-barn",
        ("Sneakers", "Trail Runners", "Canvas Shoes", "Court Shoes", "Running Shoes"),
        ("Leather", "Canvas", "Mesh", "Recycled Knit", "Suede", "Hemp"),
        _COBBLERS, (4_900, 17_900), (450, 900), {"size": _FEET, "color": ("white", *_EARTH)},
        "Light underfoot, with an insole that can be washed.",
    ),
    "tables": Range(
        "kiln-and-oak",
        ("Dining Table", "Side Table", "Coffee Table", "Desk", "Console Table", "Bench"),
        ("Oak", "Walnut", "Ash", "Beech", "Birch", "Reclaimed Pine"),
        _JOINERS, (9_900, 129_000), (6_000, 48_000), {"finish": ("oiled", "waxed", "lacquered")},
        "Jointed without screws; the top arrives oiled and ready to use.",
    ),
    "chairs": Range(
        "kiln-and-oak",
        ("Dining Chair", "Armchair", "Stool", "Rocking Chair", "Bar Stool", "Folding Chair"),
        ("Oak", "Walnut", "Ash", "Beech", "Rattan", "Bent Birch"),
        _JOINERS, (6_900, 64_900), (3_000, 14_000), {"finish": ("oiled", "waxed", "black")},
        "A seat to sit in for a whole evening.",
    ),
    "lighting": Range(
        "kiln-and-oak",
        ("Pendant Lamp", "Table Lamp", "Floor Lamp", "Wall Lamp", "Reading Lamp"),
        ("Brass", "Paper", "Opal Glass", "Linen", "Ceramic", "Steel"),
        _JOINERS, (3_900, 38_900), (600, 6_500), {"color": ("brass", "black", "white")},
        "A warm light that dims down to almost nothing. Bulb included.",
    ),
    "textiles": Range(
        "kiln-and-oak",
        ("Throw", "Cushion", "Bed Linen", "Rug", "Towel", "Tablecloth", "Curtain"),
        ("Linen", "Wool", "Organic Cotton", "Mohair", "Jute", "Waffle Cotton"),
        _WEAVERS, (1_900, 28_900), (200, 4_500), {"color": _EARTH},
        "Woven in small runs; it grows softer with every wash.",
    ),
    "ceramics": Range(
        "kiln-and-oak",
        ("Mug", "Bowl", "Dinner Plate", "Vase", "Teapot", "Serving Dish", "Planter"),
        ("Stoneware", "Porcelain", "Terracotta", "Earthenware", "Salt-Glazed", "Bone China"),
        ("Kiln & Oak", "Studio Lund", "Akane", "Marsh Pottery", "Atelier Bisou", "Tremarth"),
        (1_200, 14_900), (200, 2_800), {"glaze": _GLAZES},
        "Thrown by hand, so that no two are quite the same. Safe in the dishwasher.",
    ),
    "cookware": Range(
        "kiln-and-oak",
        ("Frying Pan", "Saucepan", "Casserole", "Roasting Tin", "Griddle", "Stock Pot"),
        ("Cast Iron", "Carbon Steel", "Copper", "Enamelled", "Stainless Steel", "Aluminium"),
        _SMITHS, (2_900, 32_900), (700, 6_200), {"diameter": ("20 cm", "24 cm", "28 cm")},
        "For gas, induction and the open fire.",
    ),
    "knives": Range(
        "kiln-and-oak",
        ("Chef's Knife", "Bread Knife", "Paring Knife", "Santoku", "Cleaver", "Carving Knife"),
        ("Carbon Steel", "Damascus", "Stainless Steel", "Olive Wood", "Walnut", "Forged"),
        _SMITHS, (2_400, 27_900), (90, 480), {"handle": ("oak", "walnut", "olive")},
        "Ground thin, hardened to 60 HRC, sharp out of the box.",
    ),
    "tents": Range(
        "blue-barn",
        ("Tunnel Tent", "Dome Tent", "Tarp", "Bell Tent", "Trekking Tent", "Bivy"),
        ("Ripstop", "Silnylon", "Cotton Canvas", "Polycotton", "Ultralight", "Four-Season"),
        _TRAIL, (8_900, 89_900), (900, 18_000), {"sleeps": ("1", "2", "4")},
        "Up in five minutes, in the rain as well.",
    ),
    "backpacks": Range(
        "blue-barn",
        ("Trekking Pack", "Daypack", "Roll-Top", "Rucksack", "Duffel", "Climbing Pack"),
        ("Ripstop", "Waxed Canvas", "Recycled Nylon", "Cordura", "Leather", "Waterproof"),
        _TRAIL, (4_900, 28_900), (450, 2_400), {"volume": ("20 l", "35 l", "55 l")},
        "Carries its weight on the hips, where it belongs.",
    ),
    "sleeping-bags": Range(
        "blue-barn",
        ("Mummy Bag", "Quilt", "Summer Bag", "Winter Bag", "Sleeping Bag Liner"),
        ("Goose Down", "Duck Down", "Synthetic", "Wool", "Silk", "Recycled Fill"),
        _TRAIL, (3_900, 49_900), (250, 1_900), {"length": ("regular", "long")},
        "Comfortable down to the temperature on the label, tested by people who feel the cold.",
    ),
    "tea": Range(
        "paper-harbour",
        ("Black Tea", "Green Tea", "Oolong", "Herbal Tea", "White Tea", "Rooibos"),
        ("Assam", "Darjeeling", "Sencha", "Jasmine", "Mountain", "Smoked", "Earl Grey"),
        _GROWERS, (490, 3_900), (60, 320), {"weight": ("50 g", "100 g", "250 g")},
        "Whole leaves of one harvest, packed the week they arrive.", "reduced",
    ),
    "chocolate": Range(
        "paper-harbour",
        ("Chocolate Bar", "Truffles", "Drinking Chocolate", "Pralines", "Cocoa Nibs"),
        ("Dark", "Milk", "Sea Salt", "Hazelnut", "Single-Origin", "Raw"),
        _GROWERS, (390, 2_900), (70, 420), {"cocoa": ("55 %", "70 %", "85 %")},
        "Stone-ground for three days from beans we can name the farm of.", "reduced",
    ),
    "books": Range(
        "paper-harbour",
        ("Cookbook", "Field Guide", "Atlas", "Notebook", "Novel", "Almanac", "Handbook"),
        ("Clothbound", "Illustrated", "Pocket", "Letterpress", "Linen", "Annotated"),
        _PRESSES, (890, 5_900), (150, 1_800), {"edition": ("paperback", "hardback")},
        "Sewn, not glued, on paper that takes a pencil.", "reduced",
    ),
}  # fmt: skip
