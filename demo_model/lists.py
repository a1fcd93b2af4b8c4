"""Words that people use: names, places, things. A fifth of each list is for the held-out check (`words.py`)."""

NAMES = """
Ada Adam Agnes Ahmed Aisha Akira Alan Albert Alex Alice Amina Amir Amy Ana Anders Andrea Andrew Anika Anna Anton Arjun
Arthur Astrid Aurora Barbara Beatrice Ben Benjamin Bianca Björn Bob Boris Brian Camille Carl Carla Carlos Carmen
Caroline Catherine Chen Chloe Chris Christine Claire Clara Daniel Daria David Deepa Diana Diego Dmitri Dora Dylan Edith
Edward Elena Eli Elias Elif Elizabeth Ella Emil Emily Emma Enzo Eric Erik Esther Ethan Eva Eve Fatima Felix Fiona
Francis Frank Frida Gabriel George Gita Grace Greta Guido Gustav Hana Hannah Hans Harper Harry Hassan Heidi Helen Henry
Hiro Hugo Ibrahim Ida Igor Imani Ines Ingrid Irene Iris Isaac Isabella Ivan Jack Jacob Jamal James Jan Jane Jasmine
Javier Jean Jenny Joan Joe Johan John Jonas Jorge Joseph Juan Julia Julian Kai Karen Karim Kate Keiko Ken Kofi Lara
Lars Laura Layla Lea Leo Leila Lena Liam Lily Linda Linus Lisa Lotte Louis Louise Lucas Lucia Lucy Luis Luna Magnus
Malik Marco Margaret Maria Marie Mario Mark Marta Martin Mary Mateo Max Maya Mei Mia Michael Miguel Mika Mila Miriam
Mohammed Mona Nadia Naomi Natalia Nick Nils Nina Noah Noor Nora Olaf Olga Olive Oliver Olivia Omar Oscar Otto Pablo
Paul Paula Pavel Pedro Peter Petra Philip Pia Priya Quentin Rachel Rafael Raj Ravi Rebecca Rita Robert Robin Rosa Rose
Ruth Sam Samira Samuel Sandra Sara Sarah Sasha Sean Sergio Simon Sofia Sonja Stefan Stella Sven Tara Theo Thomas Tim
Tina Tom Tomas Uma Ursula Valentina Vera Victor Viktor Vincent Violet Walter Wei Wendy William Xavier Yara Yasmin Yuki
Yusuf Zainab Zara Zoe
Abigail Adriana Alejandro Alfred Alina Amelia Amelie Anastasia Andre Angela Annika Antonio Aria Ariel Arnold Asha
Audrey Axel Bella Benedict Bernard Beth Bjarne Brenda Bruno Calvin Cecilia Charlie Charlotte Clemens Colin Connor Cyrus
Daisy Damian Dana Daphne Deborah Dennis Dimitri Dominic Donna Dorothy Eleanor Elisa Eloise Emmanuel Erika Ernest Eugene
Evelyn Farah Felicia Fernando Florence Freya Gavin Georgia Gerald Gloria Graham Gwen Hamid Harold Harriet Heather Hilda
Holly Howard Ian Ingo Isabel Ismail Jada Jasper Jessica Joanna Joel Johanna Jonathan Josephine Joshua Judith Juliet
Justin Kamala Katarina Keith Kevin Khadija Kim Klaus Kurt Kyle Lana Larry Leonard Leonie Leroy Lilian Lorenzo Lorraine
Lydia Mabel Madeleine Malcolm Manuel Marcus Marina Marvin Matilda Matthew Megan Melanie Mercedes Milan Milo Minh Miranda
Mohamed Molly Monica Moses Mustafa Nancy Nathan Nelson Nicholas Nicole Nikolai Nikita Norman Octavia Odette Orlando
Pamela Patricia Patrick Pauline Penelope Philippa Pierre Rahul Ralph Ramona Raymond Regina Renata Ricardo Richard Roger
Roland Roman Ronald Rosalind Rowan Rudolf Rupert Sabine Salim Santiago Saskia Scarlett Sebastian Selma Serena Sheila
Sidney Silvia Sophia Sophie Stanley Stephanie Susan Sylvia Tamara Tariq Teresa Thelma Tobias Tony Trevor Tristan Tyler
Valerie Vanessa Veronica Vikram Viola Virginia Vladimir Warren Wesley Wilhelm Winston Yolanda Yvonne Zachary
""".split()

CITIES = (
    """
Aachen Aberdeen Antwerp Austin Bangalore Barcelona Basel Bergen Bilbao Birmingham Bologna Bordeaux Boston Bremen Bristol
Brno Calgary Cambridge Cardiff Chennai Chicago Cologne Cork Dallas Denver Detroit Dortmund Dresden Dubai Edinburgh
Essen Florence Frankfurt Geneva Genoa Ghent Glasgow Gothenburg Granada Graz Hamburg Houston Istanbul Karachi Kobe
Kolkata Kyoto Lagos Leeds Leipzig Lille Liverpool Lyon Malmö Manchester Marseille Melbourne Miami Milan Montreal
Mumbai Munich Nairobi Nantes Naples Nice Osaka Oxford Palermo Perth Porto Portland Rotterdam Salzburg Seattle Seville
Shanghai Sheffield Stuttgart Sydney Tampere Toronto Toulouse Trieste Turin Utrecht Valencia Vancouver Venice Zurich
Paris London Berlin Madrid Rome Vienna Tokyo Lisbon Oslo Dublin Prague Warsaw Helsinki
Adelaide Algiers Amman Ankara Athens Atlanta Auckland Baghdad Baku Baltimore Bath Belfast Belgrade Bern Bogotá
Bonn Brighton Brisbane Brussels Bucharest Budapest Busan Cairo Canterbury Casablanca Charlotte Cleveland Copenhagen
Coventry Dakar Delhi Derby Dundee Durban Exeter Galway Gdansk Graz Grenoble Haifa Halifax Hanoi Hanover Heidelberg
Hiroshima Honolulu Hull Innsbruck Izmir Jakarta Jerusalem Kampala Kiel Krakow Lahore Lausanne Lima Linz Ljubljana
Lucerne Luxembourg Madison Maine Malaga Manila Memphis Minneapolis Minsk Montpellier Moscow Nagoya Nashville Newcastle
Norwich Nottingham Orlando Ottawa Padua Phoenix Pisa Plymouth Portsmouth Potsdam Quebec Reading Reykjavik Riga Rostock
Salamanca Santiago Sapporo Sarajevo Seoul Singapore Sofia Stockholm Strasbourg Swansea Taipei Tallinn Tampa Tangier
Thessaloniki Tucson Tunis Ulm Uppsala Vilnius Wellington Winchester Worcester York Zagreb
""".split()
    + [
        "New York",
        "Los Angeles",
        "San Francisco",
        "Hong Kong",
        "Cape Town",
        "Rio de Janeiro",
        "Buenos Aires",
        "New Orleans",
        "San Diego",
        "Mexico City",
        "Salt Lake City",
        "Las Vegas",
        "Tel Aviv",
        "Kuala Lumpur",
        "St Andrews",
    ]
)

COLOURS = (
    """
red blue green yellow orange purple pink black white grey brown violet turquoise teal cyan magenta crimson scarlet
indigo maroon beige ivory gold silver lavender olive navy coral amber emerald lilac mint peach plum rust salmon azure
bronze burgundy charcoal cobalt copper cream khaki lime mauve mustard ochre ruby sapphire sienna tan
""".split()
    + [
        "dark blue",
        "light green",
        "sky blue",
        "bright red",
        "forest green",
        "pale pink",
        "royal blue",
        "dark green",
        "light blue",
        "deep purple",
        "pale yellow",
        "hot pink",
        "dark red",
        "navy blue",
        "burnt orange",
    ]
)

FOODS = (
    """
pizza pasta sushi ramen curry tacos bread cheese chocolate soup salad rice lasagne risotto dumplings pancakes waffles
burgers falafel hummus paella goulash pierogi noodles apples mangoes strawberries fish lentils olives bananas cherries
grapes oranges peaches pears plums melons berries tomatoes potatoes carrots mushrooms spinach beans peas corn pumpkin
onions cabbage broccoli avocado eggs bacon sausages ham chicken turkey beef lamb shrimp lobster crab oysters salmon tuna
yogurt butter honey jam porridge cereal muffins cookies brownies cake donuts pie pudding crackers pretzels popcorn nuts
almonds walnuts kebabs couscous burritos nachos quesadillas gnocchi spaghetti ravioli pesto omelettes stew chili
""".split()
    + [
        "apple pie",
        "fried rice",
        "tomato soup",
        "ice cream",
        "roast chicken",
        "fish and chips",
        "french fries",
        "mashed potatoes",
        "grilled cheese",
        "fruit salad",
        "carrot cake",
        "lemon cake",
        "green curry",
        "pea soup",
        "baked beans",
        "dark chocolate",
        "garlic bread",
        "onion soup",
        "potato salad",
        "cheese cake",
        "spring rolls",
    ]
)

JOBS = (
    """
teacher nurse doctor baker carpenter plumber pilot engineer programmer lawyer painter writer musician farmer gardener
cook chef driver student librarian scientist chemist physicist biologist dentist tailor butcher photographer designer
architect electrician mechanic journalist translator accountant banker sailor soldier firefighter waiter barber actor
astronomer author bookseller builder cashier cleaner clerk coach composer consultant dancer detective diplomat director
editor fisherman florist geologist guard guide hairdresser historian judge lecturer manager mathematician miner nanny
optician painter pharmacist poet politician postman potter priest professor psychologist receptionist researcher sailor
salesman sculptor secretary shepherd singer surgeon surveyor therapist trainer veterinarian welder zoologist
""".split()
    + [
        "software engineer",
        "data scientist",
        "bus driver",
        "graphic designer",
        "police officer",
        "truck driver",
        "social worker",
        "project manager",
        "flight attendant",
        "music teacher",
        "taxi driver",
        "web developer",
        "civil engineer",
        "shop assistant",
        "tour guide",
        "maths teacher",
        "primary school teacher",
    ]
)

HOBBIES = (
    """
chess running swimming hiking painting knitting cycling reading gardening cooking climbing fishing singing dancing
photography sailing skiing surfing drawing pottery yoga woodworking baking archery astronomy origami football tennis
basketball volleyball badminton hockey rowing canoeing kayaking diving skating snowboarding boxing fencing judo karate
bowling golf cricket rugby baseball juggling magic puzzles crosswords sewing crochet embroidery quilting calligraphy
sculpting blogging writing poetry theatre acting travelling camping birdwatching beekeeping genealogy geocaching
programming electronics robotics gaming karaoke meditation pilates jogging wrestling riding trekking caving
""".split()
    + [
        "playing chess",
        "playing the piano",
        "bird watching",
        "video games",
        "board games",
        "playing guitar",
        "stamp collecting",
        "playing the violin",
        "horse riding",
        "table tennis",
        "martial arts",
        "reading novels",
        "model trains",
        "rock climbing",
        "mountain biking",
        "watching films",
        "playing cards",
        "ice skating",
        "long walks",
        "collecting coins",
        "building models",
        "learning languages",
        "scuba diving",
        "playing drums",
        "trail running",
    ]
)

PETS = """
cat dog rabbit hamster parrot turtle horse snake goldfish ferret lizard pony hen goat canary gecko hedgehog mouse
iguana kitten puppy duck tortoise donkey budgie
""".split()

LIKES = (
    """
jazz music coffee tea mountains snow rain summer winter autumn spring museums books novels poetry trains boats castles
history physics maths puzzles flowers trees birds cats dogs horses whales owls foxes penguins elephants sunsets beaches
forests lakes rivers stars clouds storms candles bicycles motorbikes cars planes rockets robots computers keyboards maps
languages opera ballet theatre concerts festivals films comics cartoons documentaries podcasts markets bakeries gardens
spiders dinosaurs fossils crystals lighthouses bridges islands deserts volcanoes waterfalls fireworks balloons kites
""".split()
    + [
        "long walks",
        "rainy days",
        "old films",
        "classical music",
        "science fiction",
        "hot chocolate",
        "strong coffee",
        "green tea",
        "cold weather",
        "warm socks",
        "open source",
        "old maps",
        "fast cars",
        "quiet places",
        "spicy food",
        "loud music",
        "good books",
        "detective stories",
        "steam trains",
        "folk music",
        "cherry blossoms",
        "sour candy",
        "black cats",
        "early mornings",
        "the sea",
        "the theatre",
        "hip hop",
        "road trips",
    ]
)

NOUNS = """
apple anchor arrow badge basket bench blanket boat bottle bridge broom brush bucket button cabin cable camera candle
carpet castle chair clock cloud coat coin compass corner cottage cup curtain desk door dragon dream drum engine envelope
farm feather fence field flag flame flower forest fountain garden gate giant glass glove hammer harbour hat hill house
island jacket jar jewel journey key kitchen kite ladder lake lamp lantern leaf letter lighthouse lion lock machine map
market meadow medal mirror moon mountain mouse museum needle nest notebook ocean orchard oven paint palace paper path
pencil piano picture pillow pirate plate pocket pond pot puzzle queen rain rainbow ribbon ring river road robot roof
rope sail sand school shadow shell ship shoe silver sky snow soap song spoon star station stone storm story street
summer sun table tail tent ticket tiger tower town toy train treasure tree tunnel umbrella valley village violin wagon
wall watch water whale wheel whistle wind window winter wizard wolf wood world yard zebra
""".split()

ADJECTIVES = """
big small old new red blue green bright dark quick slow warm cold happy sad tall short quiet loud soft hard sweet sour
strange simple clever brave calm clean deep dry early easy empty fresh full gentle golden grand great heavy hidden
hungry kind large late lazy light little lonely long lost lucky narrow noisy pale plain polite proud rare rich rough
round safe sharp shiny silent silver smooth strong sunny tiny tired warm wet wide wild wise young
""".split()

VERBS = """
runs jumps sings sleeps waits falls shines opens closes grows moves turns stops starts works plays walks flies swims
dances laughs cries wins loses reads writes paints cooks calls helps looks listens learns
""".split()

GROCERIES = (
    """
milk eggs bread butter cheese apples bananas sugar coffee tea rice oranges tomatoes onions pasta flour salt pepper oil
vinegar honey jam yogurt cream carrots potatoes lettuce spinach garlic ginger lemons limes grapes pears peaches plums
mushrooms beans peas corn tofu chicken beef fish salmon tuna ham bacon sausages cereal oats nuts raisins chocolate
biscuits crackers water juice wine beer soap shampoo towels batteries candles matches napkins toothpaste detergent
""".split()
    + [
        "olive oil",
        "orange juice",
        "oat milk",
        "brown rice",
        "peanut butter",
        "toilet paper",
        "dog food",
        "cat food",
        "ice cream",
        "green tea",
        "light bulbs",
        "paper towels",
        "baking powder",
        "tomato sauce",
        "black pepper",
    ]
)

TASKS = [
    *(
        "call mum",
        "call the dentist",
        "pay the rent",
        "pay the bills",
        "water the plants",
        "feed the cat",
        "walk the dog",
    ),
    *(
        "buy a gift",
        "buy stamps",
        "buy new shoes",
        "clean the kitchen",
        "clean the windows",
        "wash the car",
        "do laundry",
    ),
    *(
        "fix the bike",
        "fix the roof",
        "write a report",
        "write to Anna",
        "send the letter",
        "send the invoice",
        "book a flight",
    ),
    *("book a table", "book the hotel", "read the book", "read chapter two", "finish the essay", "finish the slides"),
    *("visit grandma", "visit the museum", "go to the bank", "go to the gym", "pick up the kids", "pick up the parcel"),
    *("return the books", "renew the passport", "repair the lamp", "paint the fence", "mow the lawn", "bake a cake"),
    *(
        "cook dinner",
        "meet Tom",
        "meet the team",
        "plan the trip",
        "pack the bags",
        "charge the phone",
        "check the oil",
    ),
    *(
        "update the website",
        "back up the laptop",
        "cancel the order",
        "order pizza",
        "order more paper",
        "learn Spanish",
    ),
    *("practise piano", "sort the photos", "sweep the floor", "empty the bin", "take out the trash", "iron the shirts"),
    *("invite the neighbours", "reply to Sarah", "print the tickets", "sign the contract", "try the new recipe"),
]

STEMS = """
notes todo shopping list ideas draft plan recipes diary log words names hello test letter story poem report summary
journal tasks agenda budget books films music songs places travel trip contacts friends family birthday party menu
groceries garden home work school project readme index data numbers example sample demo message memo speech essay
questions answers results goals habits quotes jokes links news schedule calendar meeting minutes inventory wishlist
config settings main app utils greeting script hello_world my_notes shopping_list to_do chapter intro outline review
""".split()

SUFFIXES = ("txt", "txt", "txt", "txt", "md", "md", "md", "py", "json", "csv", "html", "log", "toml", "yaml")

FOLDERS = ("docs", "src", "notes", "data", "lists", "drafts", "texts", "work", "private", "project")

LINES = [
    *(
        "hello",
        "hello world",
        "Hello, world!",
        "Hello!",
        "good morning",
        "this is a test",
        "test",
        "first line",
        "hi there",
    ),
    *(
        "The quick brown fox jumps over the lazy dog.",
        "Remember the milk.",
        "To be continued.",
        "It works!",
        "Work in progress.",
    ),
    *(
        "Meeting at nine.",
        "The meeting is on Monday.",
        "Dear Anna,",
        "Once upon a time",
        "Thank you for everything.",
        "See you soon.",
    ),
    *(
        "All is well.",
        "Do not forget the keys.",
        "Happy birthday!",
        "Welcome!",
        "The end.",
        "We meet on Friday.",
        "Chapter one",
    ),
    *(
        "The train leaves at seven.",
        "Nothing to report.",
        "Good night.",
        "Call me back.",
        "I was here.",
        "Keep calm.",
        "goodbye",
    ),
]

THINGS = """
book film movie song band season animal sport subject number drink fruit flower tree game country month day word singer
painter museum language city team planet holiday dish vegetable tea coffee bird river mountain composer writer poet
""".split()

NAMED = (
    "brother's name|sister's name|mother's name|father's name|wife's name|husband's name|best friend's name|"
    "boss's name|dog's name|cat's name|daughter's name|son's name|neighbour's name|teacher's name|middle name|nickname|"
    "best friend|boss|favourite teacher|doctor|dentist|cousin|uncle|aunt|grandmother|grandfather|flatmate|partner|"
    "sister|brother|mother|father|son|daughter|neighbour|roommate|surname|username|maiden name|pen name"
).split("|")
NUMBERED = (
    "shoe size|height|lucky number|phone number|room number|favourite number|house number|postcode|weight|pin|"
    "bus number|seat number|customer number|locker number|zip code|flat number|student number|jersey number"
).split("|")
PLACED = "home town|birthplace|street|school|office|favourite place|holiday destination|favourite city|workplace".split(
    "|"
)
WORDED = (
    "car|bike|star sign|company|team|project|editor|laptop|operating system|blood type|native language|zodiac sign|"
    "dream|birthday|password hint|favourite band|instrument|subject|major|phone|breakfast|lunch|dinner|favourite drink|"
    "favourite shop|hair colour|eye colour|favourite toy|best subject|goal|motto|religion|nationality|mood|diet"
).split("|")

BRANDS = """
Toyota Honda Volvo Tesla Ford Fiat Audi Skoda Mazda Porsche Lenovo Dell Apple Samsung Nokia Sony Linux Windows Debian
Ubuntu Fedora Vim Emacs Arsenal Barcelona Liverpool Aries Taurus Gemini Leo Virgo Libra Scorpio English German French
Spanish Italian Polish Turkish Swedish Dutch Monday Friday Sunday January March May July October December Beatles Queen
Nirvana Abba Mozart Bach Picasso Monet Tolkien Shakespeare Dune Hamlet Frozen Titanic Matrix Jupiter Mars Saturn Venus
""".split()
