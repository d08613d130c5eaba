"""Words that heads of columns use for fields besides their labels and keys, in the languages files come in. Knows no type."""

from core import codes, registry
from core.registry import Field, ObjectType

BY_NAME = {
    "name": ("full name", "title", "名称", "名字", "姓名", "全称"),
    "email": ("mail", "e-mail address", "email address", "邮箱", "电子邮箱", "邮件", "courriel", "correo"),
    "phone": ("tel", "telephone", "phone number", "电话", "电话号码", "联系电话", "联系方式", "telefon", "téléphone", "teléfono"),
    "mobile": ("mobile", "mobile phone", "cell", "cell phone", "手机", "手机号", "手机号码", "移动电话", "handy", "portable", "móvil"),
    "website": ("web", "url", "homepage", "site", "www", "网址", "网站", "主页"),
    "street": ("address", "street address", "address line 1", "addr", "地址", "详细地址", "街道", "straße", "strasse", "adresse", "rue"),
    "city": ("town", "城市", "市", "ort", "stadt", "ville", "ciudad"),
    "postal_code": ("zip", "zip code", "zipcode", "postcode", "post code", "plz", "邮编", "邮政编码", "code postal"),
    "region": ("state", "province", "county", "省", "省份", "州", "bundesland"),
    "country": ("country code", "nation", "国家", "国家地区", "land", "pays", "país"),
    "external_id": ("external number", "customer number", "customer no", "customer id", "client id", "no", "number", "编号", "客户编号", "kundennummer"),
    "sku": ("item number", "item no", "product code", "product id", "part number", "article", "产品编码", "产品编号", "货号", "物料号", "artikelnummer"),
    "unit_price": ("price", "list price", "sales price", "单价", "价格", "售价", "preis", "prix"),
    "owner": ("sales person", "salesperson", "sales rep", "account manager", "assigned to", "responsible", "负责人", "业务员", "销售员"),
    "title": ("job title", "position", "职位", "职务"),
    "first_name": ("given name", "vorname", "名"),
    "last_name": ("surname", "family name", "nachname", "姓"),
    "note": ("notes", "comment", "comments", "remark", "remarks", "备注", "说明"),
    "description": ("notes", "comment", "details", "描述", "备注"),
    "quantity": ("qty", "amount", "数量", "menge"),
    "product": ("sku", "item", "item number", "item no", "product code", "product name", "article", "产品", "产品编码", "商品", "物料", "artikel"),
    "external_number": ("order number", "order no", "number", "no", "document number", "document no", "reference", "单号", "订单号", "编号", "nummer"),
    "account": ("customer", "customer name", "company", "company name", "kunde", "客户", "客户名称", "公司", "公司名称", "企业名称",
                "单位", "单位名称"),
    "company": ("company name", "organisation", "organization", "customer", "firma", "公司", "公司名称", "企业名称", "单位", "单位名称",
                "客户", "客户名称"),
    "order_date": ("date", "日期", "下单日期", "datum"),
    "invoice_date": ("date", "日期", "发票日期", "datum"),
    "date": ("day", "日期", "datum", "fecha"),
    "amount": ("value", "total", "金额", "总额", "总金额", "合计", "betrag", "montant", "importe"),
}  # fmt: skip
# The only field of a kind goes by the words of its usual name.
BY_KIND = {"email": "email", "phone": "phone", "url": "website", "address": "street", "date": "date", "money": "amount"}
FALLBACK = {"mobile": "phone"}  # whose words mean another field where a type has none of its own for them


def of_lines(object_type: ObjectType) -> tuple[str, ...]:
    """How the fields of a type's first lines begin: the only ones that go by their own word alone."""
    return tuple(f"{entry.name}." for entry in object_type.lines[:1])


def words(object_type: ObjectType, known: dict[str, Field]) -> list[tuple[str, str]]:
    """(word, field) in the order they are tried: those of a field's own name, of its kind where it is the only one, the type's with its title.

    Last come the words others have for a record of the type: where a contact's account is headed 公司, so is the name of an account.
    """
    first = of_lines(object_type)
    plain = [name for name in known if "." not in name or name.startswith(first)]
    found = [(word, name) for name in plain for word in BY_NAME.get(name.rpartition(".")[2], ())]
    found += [(word, other) for name, other in FALLBACK.items() if name not in known and other in known for word in BY_NAME[name]]
    for kind, usual in BY_KIND.items():
        alike = [name for name, f in known.items() if f.kind == kind and "." not in name]
        if len(alike) == 1:
            found += [(word, alike[0]) for word in (usual, *BY_NAME[usual])]
    countries = [n for n, f in known.items() if f.kind == "code" and f.options is codes.CODES["country"]]
    if len(countries) == 1:
        found += [(word, countries[0]) for word in ("country", *BY_NAME["country"])]
    title = known.get(object_type.title)
    if title is not None:
        label = str(object_type.label)
        found += [(word, title.name) for word in (label, f"{label} {title.label}", f"{label}{title.label}", object_type.slug)]
        called = {n for t in registry.every() for n, f in t.fields.items() if f.target == object_type.slug and n in BY_NAME}
        found += [(word, title.name) for name in sorted(called) for word in BY_NAME[name]]
    return found
