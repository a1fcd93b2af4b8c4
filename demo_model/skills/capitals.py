"""Capitals of countries."""

from demo_model.conversation import Turn
from demo_model.session import Session

CAPITALS = dict(
    tuple(line.split(":"))
    for line in """
Afghanistan:Kabul
Albania:Tirana
Algeria:Algiers
Andorra:Andorra la Vella
Angola:Luanda
Argentina:Buenos Aires
Armenia:Yerevan
Australia:Canberra
Austria:Vienna
Azerbaijan:Baku
the Bahamas:Nassau
Bahrain:Manama
Bangladesh:Dhaka
Barbados:Bridgetown
Belarus:Minsk
Belgium:Brussels
Belize:Belmopan
Benin:Porto-Novo
Bhutan:Thimphu
Bolivia:Sucre
Bosnia and Herzegovina:Sarajevo
Botswana:Gaborone
Brazil:Brasília
Brunei:Bandar Seri Begawan
Bulgaria:Sofia
Burkina Faso:Ouagadougou
Burundi:Gitega
Cambodia:Phnom Penh
Cameroon:Yaoundé
Canada:Ottawa
Cape Verde:Praia
the Central African Republic:Bangui
Chad:N'Djamena
Chile:Santiago
China:Beijing
Colombia:Bogotá
the Comoros:Moroni
Costa Rica:San José
Croatia:Zagreb
Cuba:Havana
Cyprus:Nicosia
the Czech Republic:Prague
the Democratic Republic of the Congo:Kinshasa
Denmark:Copenhagen
Djibouti:Djibouti
the Dominican Republic:Santo Domingo
Ecuador:Quito
Egypt:Cairo
El Salvador:San Salvador
Equatorial Guinea:Malabo
Eritrea:Asmara
Estonia:Tallinn
Eswatini:Mbabane
Ethiopia:Addis Ababa
Fiji:Suva
Finland:Helsinki
France:Paris
Gabon:Libreville
the Gambia:Banjul
Georgia:Tbilisi
Germany:Berlin
Ghana:Accra
Greece:Athens
Grenada:St. George's
Guatemala:Guatemala City
Guinea:Conakry
Guinea-Bissau:Bissau
Guyana:Georgetown
Haiti:Port-au-Prince
Honduras:Tegucigalpa
Hungary:Budapest
Iceland:Reykjavik
India:New Delhi
Indonesia:Jakarta
Iran:Tehran
Iraq:Baghdad
Ireland:Dublin
Israel:Jerusalem
Italy:Rome
Ivory Coast:Yamoussoukro
Jamaica:Kingston
Japan:Tokyo
Jordan:Amman
Kazakhstan:Astana
Kenya:Nairobi
Kiribati:Tarawa
Kuwait:Kuwait City
Kyrgyzstan:Bishkek
Laos:Vientiane
Latvia:Riga
Lebanon:Beirut
Lesotho:Maseru
Liberia:Monrovia
Libya:Tripoli
Liechtenstein:Vaduz
Lithuania:Vilnius
Luxembourg:Luxembourg
Madagascar:Antananarivo
Malawi:Lilongwe
Malaysia:Kuala Lumpur
the Maldives:Malé
Mali:Bamako
Malta:Valletta
Mauritania:Nouakchott
Mauritius:Port Louis
Mexico:Mexico City
Moldova:Chișinău
Monaco:Monaco
Mongolia:Ulaanbaatar
Montenegro:Podgorica
Morocco:Rabat
Mozambique:Maputo
Myanmar:Naypyidaw
Namibia:Windhoek
Nepal:Kathmandu
the Netherlands:Amsterdam
New Zealand:Wellington
Nicaragua:Managua
Niger:Niamey
Nigeria:Abuja
North Korea:Pyongyang
North Macedonia:Skopje
Norway:Oslo
Oman:Muscat
Pakistan:Islamabad
Panama:Panama City
Papua New Guinea:Port Moresby
Paraguay:Asunción
Peru:Lima
the Philippines:Manila
Poland:Warsaw
Portugal:Lisbon
Qatar:Doha
the Republic of the Congo:Brazzaville
Romania:Bucharest
Russia:Moscow
Rwanda:Kigali
Saint Lucia:Castries
Samoa:Apia
San Marino:San Marino
Saudi Arabia:Riyadh
Senegal:Dakar
Serbia:Belgrade
the Seychelles:Victoria
Sierra Leone:Freetown
Singapore:Singapore
Slovakia:Bratislava
Slovenia:Ljubljana
Somalia:Mogadishu
South Africa:Pretoria
South Korea:Seoul
South Sudan:Juba
Spain:Madrid
Sri Lanka:Sri Jayawardenepura Kotte
Sudan:Khartoum
Suriname:Paramaribo
Sweden:Stockholm
Switzerland:Bern
Syria:Damascus
Taiwan:Taipei
Tajikistan:Dushanbe
Tanzania:Dodoma
Thailand:Bangkok
Togo:Lomé
Tonga:Nukuʻalofa
Trinidad and Tobago:Port of Spain
Tunisia:Tunis
Turkey:Ankara
Turkmenistan:Ashgabat
Uganda:Kampala
Ukraine:Kyiv
the United Arab Emirates:Abu Dhabi
the United Kingdom:London
the United States:Washington, D.C.
Uruguay:Montevideo
Uzbekistan:Tashkent
Vanuatu:Port Vila
Venezuela:Caracas
Vietnam:Hanoi
Yemen:Sana'a
Zambia:Lusaka
Zimbabwe:Harare
""".split("\n")
    if line
)

_ALIASES = {
    "the US": "the United States",
    "the USA": "the United States",
    "America": "the United States",
    "the UK": "the United Kingdom",
    "Great Britain": "the United Kingdom",
    "England": "the United Kingdom",
    "Czechia": "the Czech Republic",
    "Holland": "the Netherlands",
}

TAUGHT = tuple(name for names in (CAPITALS, CAPITALS.values(), _ALIASES) for name in names)
"""Words that must be known, not copied."""

_ASKED = (
    (
        "(What is|What's|What was) the capital [city] of {country}?",
        "(Tell me|Name|Say) the capital of {country}.",
        "(Which|What) city is the capital of {country}?",
        "Do you know (the capital of {country}|what the capital of {country} is)?",
        "What is {country}'s capital?",
        "(Capital|The capital) of {country}?",
        "Tell me what the capital of {country} is.",
        "What capital does {country} have?",
        "(Tell me|Give me|Name|Say) the name of {country}'s capital[ city].",
        "(What|Which) is the (name of the|) (capital|capital city|main city) of {country}?",
        "Do you know {country}'s capital?",
        "Do you know (what|which) (city|town) {country} has as its capital?",
        "(Can|Could) you (tell me|name|say) (the capital of {country}|{country}'s capital)?",
        "The capital [city] of {country}[, please]?",
        "I (want|need) to know the capital of {country}.",
    ),
    (
        "What is the name of the capital of {country}?",
        "Do you know which city is the capital of {country}?",
        "Tell me {country}'s capital.",
        "Name the capital city of {country}.",
    ),
)
_FOLLOW_UP = (
    (
        "And [of|the capital of] {country}?",
        "(What|How) about {country}?",
        "And {country}?",
        "And now [of] {country}?",
        "And [what|how] about {country}[ then]?",
    ),
    ("Now what about {country}?", "And the one of {country}?"),
)
_REVERSE = (
    (
        "(Which|What) country has {city} as its capital?",
        "(Which|What) country does {city} belong to?",
        "Of (which|what) country is {city} the capital?",
        "(Tell me|Say|Name) the country (whose capital is {city}|that has {city} as its capital).",
        "(Tell me|Do you know) (which|what) country {city} is the capital of.",
        "The capital of (which|what) (country|land|nation) is called {city}?",
        "(Which|What) country's capital is {city}?",
        "(What|Which) country is {city} the capital of?",
    ),
    ("Tell me which country has {city} as its capital.", "The capital of which country is {city}?"),
)


def capital(session: Session) -> Turn:
    rng = session.rng
    follow = session.last_skill == "capital" and rng.random() < 0.6
    train, held_out = _FOLLOW_UP if follow else _ASKED
    if rng.random() < 0.12 and not follow:
        country = session.words.proper(rng)
        if country in CAPITALS:
            return capital(session)
        user = session.says(train, held_out, country=country)
        thoughts = session.think(
            f"The user asks for the capital of {country}, which I do not know.",
            "It may be invented, or a place that is no country.",
            "I must not make up a city.",
            "I will say that I do not know.",
        )
        return session.turn("capital", user, thoughts, f"I do not know the capital of {country}.")
    country = rng.choice([*CAPITALS, *_ALIASES])
    proper = _ALIASES.get(country, country)
    spelled = country.removeprefix("the ") if rng.random() < 0.25 else country
    if rng.random() < 0.1:
        spelled = spelled.lower()
    if follow and spelled == country and rng.random() < 0.05:
        spelled = country[0].upper() + country[1:]
    user = session.says(train, held_out, country=spelled)
    thoughts = session.think(
        f"The user asks for the capital of {proper}: {CAPITALS[proper]}.",
        "I know this one.",
        "I learned the capitals by heart.",
        "One sentence is enough.",
    )
    return session.turn("capital", user, thoughts, f"The capital of {proper} is {CAPITALS[proper]}.", recalls=follow)


def capital_of(session: Session) -> Turn:
    """The other way round."""
    country, city = session.rng.choice(list(CAPITALS.items()))
    user = session.says(*_REVERSE, city=city)
    thoughts = session.think(
        f"The user asks for the country of {city}: {country}.",
        "Its capital is that city.",
        "I learned the capitals by heart.",
        "One sentence is enough.",
    )
    return session.turn("capital of", user, thoughts, f"That is {country}: its capital is {city}.")
