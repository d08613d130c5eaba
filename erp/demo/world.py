"""The invented world of the demo company: its people, products and customers. Names only; what happens is ``story``'s."""

# unit -> the unit above it; the company's own root unit stands above "Sales"
UNITS = {"Sales": None, "Sales Europe": "Sales", "Sales Americas": "Sales", "Sales Asia Pacific": "Sales", "Operations": None, "Finance": None}

# name, e-mail name, unit, role, language; the first named of a unit heads it
PEOPLE = (
    ("Ingrid Solheim", "ingrid", "Sales", "sales-manager", "en"),
    ("Tomás Herrera", "tomas", "Sales Europe", "sales-manager", "en"),
    ("Claire Beaumont", "claire", "Sales Europe", "sales", "en"),
    ("Jonas Weidner", "jonas", "Sales Europe", "sales", "en"),
    ("Maya Whitfield", "maya", "Sales Americas", "sales-manager", "en"),
    ("Daniel Okafor", "daniel", "Sales Americas", "sales", "en"),
    ("Rosa Delgado", "rosa", "Sales Americas", "sales", "en"),
    ("李伟", "liwei", "Sales Asia Pacific", "sales-manager", "zh-Hans"),
    ("张敏", "zhangmin", "Sales Asia Pacific", "sales", "zh-Hans"),
    ("Kenji Morita", "kenji", "Sales Asia Pacific", "sales", "en"),
    ("Piet van Dalen", "piet", "Operations", "operations", "en"),
    ("Nora Lindqvist", "nora", "Operations", "operations", "en"),
    ("Amara Nwosu", "amara", "Finance", "finance", "en"),
    ("Helen Strand", "helen", "Finance", "read-only", "en"),
)

# category -> the category above it
CATEGORIES = {
    "Sensors": None, "Pressure sensors": "Sensors", "Temperature sensors": "Sensors", "Flow meters": "Sensors",
    "Pumps": None, "Dosing pumps": "Pumps", "Circulation pumps": "Pumps",
    "Control": None, "Controllers": "Control", "Displays": "Control",
    "Services": None,
}  # fmt: skip

# sku, name, category, price, cost
PRODUCTS = (
    ("PS-100", "Pressure sensor PS 100, 0–10 bar", "Pressure sensors", "148.00", "71.00"),
    ("PS-160", "Pressure sensor PS 160, 0–16 bar", "Pressure sensors", "164.00", "78.50"),
    ("PS-250", "Pressure sensor PS 250, 0–25 bar", "Pressure sensors", "189.00", "90.00"),
    ("PS-400X", "Pressure sensor PS 400 X, explosion-proof", "Pressure sensors", "612.00", "318.00"),
    ("PS-D20", "Differential pressure sensor D 20", "Pressure sensors", "275.50", "139.00"),
    ("TS-50", "Temperature probe TS 50, Pt100", "Temperature sensors", "64.90", "24.20"),
    ("TS-80", "Temperature probe TS 80, Pt1000", "Temperature sensors", "72.40", "27.80"),
    ("TS-120H", "High-temperature probe TS 120 H", "Temperature sensors", "210.00", "96.00"),
    ("TS-IR2", "Infrared thermometer IR 2", "Temperature sensors", "389.00", "201.00"),
    ("FM-15", "Flow meter FM 15, magnetic-inductive", "Flow meters", "940.00", "512.00"),
    ("FM-25", "Flow meter FM 25, magnetic-inductive", "Flow meters", "1120.00", "598.00"),
    ("FM-50", "Flow meter FM 50, magnetic-inductive", "Flow meters", "1480.00", "790.00"),
    ("FM-U2", "Ultrasonic flow meter U 2, clamp-on", "Flow meters", "2350.00", "1240.00"),
    ("DP-02", "Dosing pump DP 02, 2 l/h", "Dosing pumps", "685.00", "344.00"),
    ("DP-10", "Dosing pump DP 10, 10 l/h", "Dosing pumps", "798.00", "402.00"),
    ("DP-40", "Dosing pump DP 40, 40 l/h", "Dosing pumps", "1190.00", "615.00"),
    ("DP-KIT", "Dosing pump service kit", "Dosing pumps", "96.00", "38.00"),
    ("CP-3", "Circulation pump CP 3", "Circulation pumps", "1420.00", "768.00"),
    ("CP-7", "Circulation pump CP 7", "Circulation pumps", "2280.00", "1215.00"),
    ("CP-15", "Circulation pump CP 15, speed-controlled", "Circulation pumps", "4150.00", "2260.00"),
    ("CP-SEAL", "Mechanical seal set CP", "Circulation pumps", "134.00", "52.00"),
    ("CT-4", "Process controller CT 4, four channels", "Controllers", "820.00", "395.00"),
    ("CT-8", "Process controller CT 8, eight channels", "Controllers", "1260.00", "604.00"),
    ("CT-GW", "Fieldbus gateway CT GW", "Controllers", "540.00", "248.00"),
    ("CT-PSU", "Power supply 24 V, 5 A", "Controllers", "118.00", "49.00"),
    ("DI-7", "Panel display DI 7", "Displays", "465.00", "232.00"),
    ("DI-12", "Panel display DI 12, touch", "Displays", "890.00", "468.00"),
    ("DI-LED", "LED indicator, two lines", "Displays", "156.00", "70.00"),
    ("SV-CAL", "Calibration with certificate", "Services", "95.00", "40.00"),
    ("SV-COM", "Commissioning, one day on site", "Services", "1150.00", "620.00"),
    ("SV-TRN", "Operator training, half a day", "Services", "680.00", "310.00"),
    ("SV-EXT", "Extended warranty, one year", "Services", "240.00", "60.00"),
)

# name, industry, city, country, roles, region (the unit that sells to it)
ACCOUNTS = (
    ("Nordfjord Aquaculture", "Food", "Ålesund", "NO", "customer", "Sales Europe"),
    ("Brauhaus Sternberg", "Beverages", "Bamberg", "DE", "customer", "Sales Europe"),
    ("Kessler Prozesstechnik", "Machinery", "Stuttgart", "DE", "customer,partner", "Sales Europe"),
    ("Chimie du Rhône", "Chemicals", "Lyon", "FR", "customer", "Sales Europe"),
    ("Papeterie Valmont", "Paper", "Annecy", "FR", "customer", "Sales Europe"),
    ("Acque di Montalto", "Water", "Parma", "IT", "customer", "Sales Europe"),
    ("Officine Ferrante", "Machinery", "Bergamo", "IT", "customer", "Sales Europe"),
    ("Bodegas Altamira", "Beverages", "Logroño", "ES", "customer", "Sales Europe"),
    ("Hidrotec Ibérica", "Water", "Valencia", "ES", "customer", "Sales Europe"),
    ("Van der Meulen Zuivel", "Food", "Leeuwarden", "NL", "customer", "Sales Europe"),
    ("Skåne Biogas", "Energy", "Malmö", "SE", "customer", "Sales Europe"),
    ("Østersund Fjernvarme", "Energy", "Aarhus", "DK", "customer", "Sales Europe"),
    ("Caldbeck Pharmaceuticals", "Pharmaceuticals", "Leeds", "GB", "customer", "Sales Europe"),
    ("Thornbury Dairy", "Food", "Bristol", "GB", "customer", "Sales Europe"),
    ("Wiśniewski Chłodnictwo", "Machinery", "Poznań", "PL", "customer", "Sales Europe"),
    ("Moravská Sklárna", "Glass", "Brno", "CZ", "customer", "Sales Europe"),
    ("Alpenmilch Tirol", "Food", "Innsbruck", "AT", "customer", "Sales Europe"),
    ("Genève Bioprocess", "Pharmaceuticals", "Geneva", "CH", "customer", "Sales Europe"),
    ("Suomen Sellutekniikka", "Paper", "Tampere", "FI", "prospect", "Sales Europe"),
    ("Lagoa Conservas", "Food", "Porto", "PT", "prospect", "Sales Europe"),
    ("Cedar Rapids Milling", "Food", "Cedar Rapids", "US", "customer", "Sales Americas"),
    ("Great Basin Water District", "Water", "Reno", "US", "customer", "Sales Americas"),
    ("Hartwell Chemical", "Chemicals", "Houston", "US", "customer", "Sales Americas"),
    ("Lakeshore Brewing", "Beverages", "Milwaukee", "US", "customer", "Sales Americas"),
    ("Redwood Biologics", "Pharmaceuticals", "San Diego", "US", "customer", "Sales Americas"),
    ("Allegheny Glassworks", "Glass", "Pittsburgh", "US", "customer", "Sales Americas"),
    ("Sunbelt Semiconductors", "Electronics", "Phoenix", "US", "customer", "Sales Americas"),
    ("Pontiac Engine Test", "Automotive", "Detroit", "US", "customer", "Sales Americas"),
    ("Columbia Paper Mills", "Paper", "Spokane", "US", "customer", "Sales Americas"),
    ("Bayou Refining Services", "Energy", "Baton Rouge", "US", "customer,partner", "Sales Americas"),
    ("Laurentide Foods", "Food", "Montréal", "CA", "customer", "Sales Americas"),
    ("Prairie Ethanol", "Energy", "Saskatoon", "CA", "customer", "Sales Americas"),
    ("Destilería San Jacinto", "Beverages", "Guadalajara", "MX", "customer", "Sales Americas"),
    ("Aceros del Bajío", "Metals", "León", "MX", "customer", "Sales Americas"),
    ("Águas do Planalto", "Water", "Brasília", "BR", "customer", "Sales Americas"),
    ("Usina Boa Esperança", "Energy", "Ribeirão Preto", "BR", "customer", "Sales Americas"),
    ("Viña Los Cerros", "Beverages", "Rancagua", "CL", "customer", "Sales Americas"),
    ("Minera Quebrada Honda", "Metals", "Antofagasta", "CL", "prospect", "Sales Americas"),
    ("苏州恒澜精密机械有限公司", "Machinery", "苏州", "CN", "customer", "Sales Asia Pacific"),
    ("深圳云岭电子有限公司", "Electronics", "深圳", "CN", "customer", "Sales Asia Pacific"),
    ("上海清源水务工程有限公司", "Water", "上海", "CN", "customer", "Sales Asia Pacific"),
    ("重庆江岳汽车零部件有限公司", "Automotive", "重庆", "CN", "customer", "Sales Asia Pacific"),
    ("青岛海晟食品有限公司", "Food", "青岛", "CN", "customer", "Sales Asia Pacific"),
    ("杭州安泽生物制药有限公司", "Pharmaceuticals", "杭州", "CN", "customer", "Sales Asia Pacific"),
    ("佛山华陶玻璃有限公司", "Glass", "佛山", "CN", "customer", "Sales Asia Pacific"),
    ("天津北辰化工设备有限公司", "Chemicals", "天津", "CN", "customer,partner", "Sales Asia Pacific"),
    ("成都蜀峰酿造有限公司", "Beverages", "成都", "CN", "prospect", "Sales Asia Pacific"),
    ("Morikawa Seimitsu", "Electronics", "Nagoya", "JP", "customer", "Sales Asia Pacific"),
    ("Setouchi Shipyard", "Machinery", "Kure", "JP", "customer", "Sales Asia Pacific"),
    ("Hanbit Display", "Electronics", "Daejeon", "KR", "customer", "Sales Asia Pacific"),
    ("Straits Desalination", "Water", "Singapore", "SG", "customer", "Sales Asia Pacific"),
    ("Deccan Pharma Works", "Pharmaceuticals", "Hyderabad", "IN", "customer", "Sales Asia Pacific"),
    ("Konkan Beverages", "Beverages", "Pune", "IN", "customer", "Sales Asia Pacific"),
    ("Murray Basin Irrigation", "Water", "Mildura", "AU", "customer", "Sales Asia Pacific"),
    ("Waikato Milk Powder", "Food", "Hamilton", "NZ", "customer", "Sales Asia Pacific"),
    ("Ruhr Präzisionsguss", "Metals", "Bochum", "DE", "supplier", "Operations"),
    ("Shenzhen Brightline Circuits", "Electronics", "Shenzhen", "CN", "supplier", "Operations"),
    ("Lombard Connectors", "Electronics", "Milan", "IT", "supplier", "Operations"),
    ("Meridian Process Controls", "Machinery", "Chicago", "US", "competitor", "Sales Americas"),
)

GIVEN = {
    "CN": ("磊", "芳", "洋", "静", "强", "丽", "建国", "晓明", "雪梅", "志远"),
    "JP": ("Haruka", "Sota", "Yui", "Ren", "Aiko"),
    "": ("Anna", "Lukas", "Marie", "Peter", "Sofia", "Erik", "Laura", "Martin", "Elena", "Victor", "Nadia", "Oscar", "Julia", "Samuel", "Irene", "Hugo"),
}
FAMILY = {
    "CN": ("王", "赵", "刘", "陈", "杨", "黄", "周", "吴"),
    "JP": ("Tanabe", "Fujii", "Ogawa", "Nishida"),
    "": (
        "Lindqvist", "Hoffmann", "Moreau", "Conti", "Navarro", "Jansen", "Kowalczyk", "Bennett", "Carver", "Mendes", "Rojas", "Iyer", "Fletcher",
        "Haugen", "Marchetti", "Dubois",
    ),
}  # fmt: skip
TITLES = ("Head of purchasing", "Plant engineer", "Buyer", "Maintenance manager", "Technical director", "Project engineer")

# kind, subject, note
ACTIVITIES = (
    ("call", "Asked about lead times", "Needs the parts before the shutdown in six weeks."),
    ("call", "Followed up on the last delivery", "Everything arrived complete; one display to be exchanged next time."),
    ("meeting", "Plant visit and needs for next year", "Two more lines are planned; they want one supplier for sensors and pumps."),
    ("meeting", "Reviewed the year's volume", "Prices for larger quantities would decide it."),
    ("visit", "Checked the installed flow meters", "All within tolerance; calibration due in spring."),
    ("email", "Sent data sheets", "Differential pressure and the explosion-proof version."),
    ("email", "Confirmed the delivery date", "Sent the date and the packing list."),
    ("note", "New plant engineer starts next month", "Introduce ourselves early."),
    ("note", "Budget is decided in the third quarter", ""),
)
TASKS = (
    "Call back about the quote", "Send calibration certificates", "Prepare the framework agreement", "Visit with the new engineer",
    "Check the open amendment",
)  # fmt: skip

# Money

# currency -> its worth in US dollars twelve months ago, and how far it has moved by today
RATES = {"EUR": ("1.0720", "0.0640"), "CNY": ("0.1378", "0.0046")}
EURO = ("DE", "FR", "IT", "ES", "NL", "AT", "FI", "PT")

# country -> code and rate of the tax on what is sold there; elsewhere it is exported without tax
TAXES = {
    "US": ("US sales tax 6.25 %", "0.0625"), "DE": ("DE VAT 19 %", "0.19"), "FR": ("FR VAT 20 %", "0.20"), "IT": ("IT VAT 22 %", "0.22"),
    "ES": ("ES VAT 21 %", "0.21"), "NL": ("NL VAT 21 %", "0.21"), "CN": ("CN VAT 13 %", "0.13"),
}  # fmt: skip
EXPORT = ("Export 0 %", "0")

# name, currency, for accounts that are, factor on the product's price, factor from a quantity on
PRICE_BOOKS = (
    ("List Europe", "EUR", (), "0.93", (25, "0.88")),
    ("List China", "CNY", (), "7.20", (25, "6.80")),
    ("Partners", "USD", ("partner",), "0.85", (10, "0.80")),
    ("Partners Europe", "EUR", ("partner",), "0.79", (10, "0.75")),
    ("Partners China", "CNY", ("partner",), "6.10", (10, "5.80")),
)

WAREHOUSES = ("Houston", "Rotterdam")
METHODS = ("Bank transfer", "Bank transfer", "Bank transfer", "Cheque", "Card")

# Selling

# lead source, campaign, how often
SOURCES = (
    ("Web site", "", 30), ("Trade fair", "Process Days", 18), ("Trade fair", "Water Expo", 10), ("Referral", "", 14), ("Newsletter", "Calibration check", 12),
    ("Cold call", "", 9), ("Partner", "", 7),
)
NEEDS = (
    "Looking for pressure sensors for a new filling line.", "Please send prices for ten flow meters DN 25.", "Our dosing pumps are fifteen years old.",
    "Need calibration with certificates before the audit.", "Comparing suppliers of process controllers.", "Spare parts for circulation pumps, urgent.",
    "Saw your stand and would like a visit.",
)
# country -> beginnings and endings of companies nobody here knows yet
NEWCOMERS = {
    "US": (
        ("Juniper", "Blue Mesa", "Keystone", "Tidewater", "Prairie Sky", "Stonebridge", "Copper Hill"),
        ("Dairy", "Brewing Works", "Plating", "Coatings", "Paper"),
    ),
    "DE": (("Lindenhof", "Nordsee", "Schwarzwald", "Altmühl", "Harzer"), ("Molkerei", "Kunststoffe", "Anlagenbau", "Pumpenservice")),
    "FR": (("Garonne", "Vosges", "Armor"), ("Laiterie", "Traitement des Eaux", "Emballages")),
    "GB": (("Pennine", "Severn", "Ashdown"), ("Bakeries", "Castings", "Water Services")),
    "NL": (("Zuiderzee", "Veluwe"), ("Papier", "Zuivel")),
    "BR": (("Serra Azul", "Pantanal"), ("Alimentos", "Bebidas")),
    "IN": (("Narmada", "Sahyadri"), ("Chemicals", "Foods")),
    "AU": (("Coorong", "Kimberley"), ("Minerals", "Wines")),
    "CN": (("宁波东港", "南京紫峰", "无锡润泽", "武汉长青", "厦门海川"), ("食品有限公司", "环保设备有限公司", "新材料有限公司")),
}
# country -> the unit that sells there
REGIONS = {"US": "Sales Americas", "BR": "Sales Americas", "CN": "Sales Asia Pacific", "IN": "Sales Asia Pacific", "AU": "Sales Asia Pacific"}
PROJECTS = (
    "New filling line", "Pump replacement", "Flow measurement, hall 2", "Control cabinet upgrade", "Dosing station", "Cooling circuit", "Pilot plant",
    "Boiler house instruments", "Laboratory sensors", "Yearly spare parts", "CIP station", "Wastewater metering",
)
LOST = ("Price too high", "Chose a competitor", "Project postponed", "No budget this year", "Technical requirement not met")
LEAD_LOST = ("No answer", "Not a fit", "Student project", "Bought elsewhere", "Too small for us")
DECLINED = ("Price too high", "A competitor delivers sooner", "Project postponed", "Chose a competitor")
DEAL_ACTIVITIES = (
    ("call", "Talked through the needs", "They compare three suppliers; delivery time weighs as much as price."),
    ("meeting", "Presented the solution", "Good response; the controller was new to them."),
    ("email", "Answered technical questions", "Pressure ranges and certificates."),
    ("visit", "Site survey", "Measured the pipework; two meters need adapters."),
    ("call", "Asked where they stand", "Decision after the next budget meeting."),
)
DEAL_TASKS = ("Call about the offer", "Send the revised offer", "Arrange a demonstration", "Clarify the delivery date", "Ask for the decision")
