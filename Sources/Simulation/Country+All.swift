extension Country {
  /// The 14 countries, in a fixed order.
  package static let all: [Country] = americas + britainAndAustralia + west + south + north + [poland]

  private static let americas = [
    Country(
      code: "US", name: "United States", weight: 24, addressForm: "{n} {s}, {c} {p}",
      cities: [
        City("San Jose, CA", "951##", 3734, -12189), City("New York, NY", "100##", 4071, -7401),
        City("Chicago, IL", "606##", 4188, -8763), City("Austin, TX", "787##", 3027, -9774),
        City("Seattle, WA", "981##", 4761, -12233), City("Atlanta, GA", "303##", 3375, -8439),
      ],
      streets: ["Main St", "Oak Ave", "Maple Dr", "Washington Blvd", "Lincoln Ave", "2nd St", "Park Pl", "Cedar Ln"],
      women: [
        "Emma", "Olivia", "Ava", "Sophia", "Mia", "Madison", "Abigail", "Chloe", "Harper", "Ella", "Grace", "Zoe",
      ],
      men: [
        "Liam", "Noah", "William", "James", "Logan", "Benjamin", "Mason", "Elijah", "Jacob", "Ethan", "Tyler", "Caleb",
      ],
      surnames: [
        "Smith", "Johnson", "Williams", "Brown", "Jones", "Miller", "Davis", "Garcia", "Rodriguez", "Wilson",
        "Anderson", "Thomas", "Jackson", "O'Brien", "Martinez", "Lee",
      ],
      hoursLater: 0, isSouthern: false,
      favourites: ["HIIT": 160, "Functional Strength Training": 150, "Elliptical": 140]),
    Country(
      code: "BR", name: "Brazil", weight: 9, addressForm: "{s}, {n}, {c}, {p}",
      cities: [
        City("São Paulo - SP", "01###-0##", -2355, -4663), City("Rio de Janeiro - RJ", "20###-0##", -2291, -4317),
        City("Belo Horizonte - MG", "30###-0##", -1992, -4394), City("Brasília - DF", "70###-0##", -1579, -4788),
        City("Goiânia - GO", "74###-0##", -1669, -4926),
      ],
      streets: [
        "Rua das Acácias", "Avenida Paulista", "Rua São João", "Travessa da Glória", "Rua Conceição",
        "Avenida Getúlio Vargas", "Praça da Sé", "Rua Sete de Setembro",
      ],
      women: [
        "Júlia", "Letícia", "Beatriz", "Larissa", "Camila", "Vitória", "Antônia", "Luíza", "Fernanda", "Patrícia",
        "Helena", "Conceição",
      ],
      men: [
        "João", "José", "Antônio", "Luís", "Gabriel", "Matheus", "Thiago", "Estêvão", "Vinícius", "Caio", "Fábio",
        "Marcos",
      ],
      surnames: [
        "Silva", "Santos", "Souza", "Oliveira", "Araújo", "Gonçalves", "Conceição", "Magalhães", "Ribeiro", "Carvalho",
        "Brandão", "Fagundes", "Simões", "Leão", "Moura", "Peçanha",
      ],
      hoursLater: 1, isSouthern: true, favourites: ["Dance": 260, "Run": 120, "Functional Strength Training": 130]),
  ]

  private static let britainAndAustralia = [
    Country(
      code: "GB", name: "United Kingdom", weight: 10, addressForm: "{n} {s}, {c}, {p}",
      cities: [
        City("London", "SW# #@@", 5151, -13), City("Manchester", "M# #@@", 5348, -224),
        City("Edinburgh", "EH# #@@", 5595, -319), City("Cardiff", "CF# #@@", 5148, -318),
        City("Leeds", "LS# #@@", 5380, -155),
      ],
      streets: [
        "High Street", "Station Road", "Church Lane", "Victoria Road", "Mill Lane", "The Green", "Queen's Road",
        "King Street",
      ],
      women: [
        "Amelia", "Isla", "Poppy", "Freya", "Imogen", "Siân", "Charlotte", "Florence", "Rosie", "Niamh", "Alice",
        "Zoë",
      ],
      men: [
        "Oliver", "George", "Harry", "Alfie", "Rhys", "Callum", "Hamish", "Archie", "Edward", "Siôn", "Finlay",
        "Thomas",
      ],
      surnames: [
        "Taylor", "Davies", "Evans", "Walker", "Wright", "Hughes", "MacDonald", "Campbell", "O'Neill", "Lloyd-Jones",
        "Clarke", "Patel", "Hall", "Green", "Robinson", "Brontë",
      ],
      hoursLater: 0, isSouthern: false, favourites: ["Walk": 120, "Swimming": 115]),
    Country(
      code: "AU", name: "Australia", weight: 6, addressForm: "{n} {s}, {c} {p}",
      cities: [
        City("Sydney NSW", "20##", -3387, 15121), City("Melbourne VIC", "30##", -3781, 14496),
        City("Brisbane QLD", "40##", -2747, 15303), City("Perth WA", "60##", -3195, 11586),
        City("Adelaide SA", "50##", -3493, 13860),
      ],
      streets: [
        "George St", "Collins St", "Banksia Ct", "Wattle Grove", "Beach Rd", "Kookaburra Dr", "Hay St", "Queen St",
      ],
      women: [
        "Charlotte", "Matilda", "Ruby", "Evie", "Sienna", "Kirra", "Willow", "Ivy", "Georgia", "Lara", "Tahlia", "Jade",
      ],
      men: [
        "Jack", "Lachlan", "Cooper", "Hunter", "Banjo", "Angus", "Riley", "Bailey", "Flynn", "Darcy", "Mitchell",
        "Koa",
      ],
      surnames: [
        "Smith", "Nguyen", "Kelly", "Ryan", "White", "Martin", "Thompson", "O'Connor", "McKenzie", "Harris", "Walker",
        "King", "Singh", "Murphy", "Papadopoulos", "Baker",
      ],
      hoursLater: -1, isSouthern: true, favourites: ["Swimming": 220, "Hiking": 120]),
  ]

  private static let west = [
    Country(
      code: "FR", name: "France", weight: 8, addressForm: "{n} {s}, {p} {c}",
      cities: [
        City("Paris", "750##", 4886, 235), City("Lyon", "690##", 4576, 484), City("Nîmes", "300##", 4384, 436),
        City("Besançon", "250##", 4724, 602), City("Bordeaux", "330##", 4484, -58),
      ],
      streets: [
        "rue de la République", "avenue Victor-Hugo", "boulevard Saint-Michel", "rue du Général-de-Gaulle",
        "place de l'Église", "chemin des Prés", "rue Émile-Zola", "impasse des Lilas",
      ],
      women: [
        "Léa", "Chloé", "Zoé", "Inès", "Anaïs", "Hélène", "Françoise", "Amélie", "Maëlys", "Élodie", "Camille",
        "Noémie",
      ],
      men: [
        "Théo", "Hugo", "François", "Rémi", "Jérôme", "Loïc", "Étienne", "Benoît", "Maël", "Raphaël", "Antoine",
        "Gaël",
      ],
      surnames: [
        "Martin", "Bernard", "Lefèvre", "Durand", "Fournier", "Lemaître", "Béranger", "Gauthier", "Noël", "Chevalier",
        "d'Aubigné", "Rousseau", "Hébert", "Mallet", "Leclère", "Besançon",
      ],
      hoursLater: 1, isSouthern: false, favourites: ["Cycling": 140, "Walk": 110]),
    Country(
      code: "DE", name: "Germany", weight: 10, addressForm: "{s} {n}, {p} {c}",
      cities: [
        City("Berlin", "10###", 5252, 1340), City("München", "80###", 4814, 1158), City("Köln", "50###", 5094, 696),
        City("Düsseldorf", "40###", 5123, 677), City("Leipzig", "04###", 5134, 1237),
      ],
      streets: [
        "Hauptstraße", "Bahnhofstraße", "Gartenstraße", "Schillerplatz", "Mühlenweg", "Am Südring", "Lindenallee",
        "Königstraße",
      ],
      women: [
        "Hannah", "Lena", "Änne", "Jördis", "Käthe", "Sofie", "Mareike", "Friederike", "Anneliese", "Grete", "Jule",
        "Ronja",
      ],
      men: [
        "Lukas", "Jürgen", "Björn", "Günther", "Sören", "Matthias", "Jörg", "Felix", "Maximilian", "Götz", "Emil",
        "Anton",
      ],
      surnames: [
        "Müller", "Schmidt", "Schröder", "Weiß", "Köhler", "Böhm", "Krüger", "Groß", "Jäger", "Voß", "Fischer",
        "Özdemir", "Kühn", "Vogel", "von Bülow", "Hoffmann",
      ],
      hoursLater: 0, isSouthern: false, favourites: ["Cycling": 150, "Hiking": 150]),
    Country(
      code: "NL", name: "Netherlands", weight: 4, addressForm: "{s} {n}, {p} {c}",
      cities: [
        City("Amsterdam", "10## @@", 5237, 490), City("Utrecht", "35## @@", 5209, 512),
        City("'s-Gravenhage", "25## @@", 5207, 430), City("Groningen", "97## @@", 5322, 657),
      ],
      streets: [
        "Keizersgracht", "Kerkstraat", "Dorpsstraat", "Julianalaan", "Molenweg", "Oranjesingel", "Eendrachtsplein",
        "'t Zand",
      ],
      women: [
        "Sanne", "Noortje", "Fleur", "Eefje", "Roos", "Lotte", "Noëlle", "Maartje", "Anouk", "Femke", "Jolijn",
        "Marleen",
      ],
      men: [
        "Daan", "Sem", "Jeroen", "Thijs", "Bram", "Ruben", "Joël", "Stijn", "Maarten", "Gijs", "Pieter", "Wouter",
      ],
      surnames: [
        "de Jong", "Jansen", "de Vries", "van den Berg", "van Dijk", "Bakker", "Visser", "Smit", "Meijer", "de Boer",
        "Mulder", "van 't Hof", "Dekker", "Brouwer", "Coëlho", "Hoekstra",
      ],
      hoursLater: -1, isSouthern: false, favourites: ["Cycling": 280]),
  ]

  private static let south = [
    Country(
      code: "ES", name: "Spain", weight: 7, addressForm: "{s}, {n}, {p} {c}",
      cities: [
        City("Madrid", "280##", 4042, -370), City("Barcelona", "080##", 4139, 217),
        City("Málaga", "290##", 3672, -442), City("Cádiz", "110##", 3653, -629), City("León", "240##", 4260, -557),
      ],
      streets: [
        "Calle de Alcalá", "Calle Mayor", "Avenida de la Constitución", "Paseo de Gracia", "Plaza de España",
        "Calle Núñez de Balboa", "Ronda de Sant Pere", "Calle del Pez",
      ],
      women: [
        "Lucía", "María", "Sofía", "Inés", "Begoña", "Ángela", "Nuria", "Rocío", "Ainhoa", "Concepción", "Pilar",
        "Marta",
      ],
      men: [
        "Álvaro", "Íñigo", "José", "Andrés", "Martín", "Óscar", "Joaquín", "Jesús", "Hernán", "Rubén", "Pablo", "Jordi",
      ],
      surnames: [
        "García Pérez", "Fernández López", "González Ruiz", "Núñez Díaz", "Muñoz Gil", "Ibáñez Vega", "Peña Sáez",
        "Jiménez Mora", "Castaño Rey", "Martínez Cruz", "Álvarez Sanz", "Yáñez Soto",
      ],
      hoursLater: 2, isSouthern: false, favourites: ["Walk": 130, "Dance": 130]),
    Country(
      code: "IT", name: "Italy", weight: 8, addressForm: "{s}, {n}, {p} {c}",
      cities: [
        City("Roma (RM)", "001##", 4190, 1250), City("Milano (MI)", "201##", 4546, 919),
        City("Forlì (FC)", "471##", 4422, 1204), City("Napoli (NA)", "801##", 4085, 1427),
        City("Torino (TO)", "101##", 4507, 769),
      ],
      streets: [
        "Via Garibaldi", "Corso Vittorio Emanuele II", "Via della Libertà", "Piazza dell'Unità", "Via XX Settembre",
        "Viale Umberto I", "Via Santa Lucia", "Largo Niccolò Paganini",
      ],
      women: [
        "Giulia", "Chiara", "Sofia", "Noemi", "Bettina", "Nicoletta", "Lucia", "Francesca", "Elisa", "Ginevra", "Marta",
        "Serafina",
      ],
      men: [
        "Niccolò", "Lorenzo", "Matteo", "Dario", "Nicolò", "Davide", "Giosuè", "Alessandro", "Luca", "Salvatore",
        "Mosè", "Paolo",
      ],
      surnames: [
        "Rossi", "Russo", "Ferrari", "D'Angelo", "De Luca", "Cantù", "Dell'Acqua", "Fanfani", "Marini", "Greco",
        "Bianchi", "Nicolò", "Gallo", "Lombardi", "Alighieri", "Costa",
      ],
      hoursLater: 1, isSouthern: false, favourites: ["Cycling": 130, "Walk": 125]),
  ]

  private static let north = [
    Country(
      code: "SE", name: "Sweden", weight: 3, addressForm: "{s} {n}, {p} {c}",
      cities: [
        City("Stockholm", "11# ##", 5933, 1806), City("Göteborg", "41# ##", 5771, 1197),
        City("Malmö", "21# ##", 5560, 1300), City("Umeå", "90# ##", 6383, 2026),
      ],
      streets: [
        "Storgatan", "Östra Hamngatan", "Kungsgatan", "Sjövägen", "Ängsvägen", "Björkgatan", "Åsgatan", "Skolgatan",
      ],
      women: [
        "Åsa", "Märta", "Elsa", "Göta", "Linnéa", "Annika", "Ebba", "Tuva", "Maj-Britt", "Saga", "Wilma", "Tyra",
      ],
      men: ["Göran", "Håkan", "Björn", "Åke", "Nils", "Gösta", "Mårten", "Elias", "Östen", "Lars", "Hugo", "Stellan"],
      surnames: [
        "Andersson", "Johansson", "Sjöberg", "Åkesson", "Lindström", "Öberg", "Nyström", "Löfgren", "Hägg",
        "Bergström", "Malmqvist", "Ågren",
      ],
      hoursLater: -1, isSouthern: false, favourites: ["Run": 130, "Hiking": 130]),
    Country(
      code: "NO", name: "Norway", weight: 2, addressForm: "{s} {n}, {p} {c}",
      cities: [
        City("Oslo", "01##", 5991, 1075), City("Bergen", "50##", 6039, 532), City("Tromsø", "90##", 6965, 1896),
        City("Bodø", "80##", 6728, 1440),
      ],
      streets: [
        "Karl Johans gate", "Sjøgata", "Storgata", "Bjørnstjerne Bjørnsons plass", "Kirkeveien", "Åsveien",
        "Fjellveien", "Nedre Slottsgate",
      ],
      women: [
        "Ingrid", "Åse", "Solveig", "Bjørg", "Sigrid", "Turid", "Gunnhild", "Ragnhild", "Nora", "Tuva", "Åshild",
        "Frøya",
      ],
      men: [
        "Bjørn", "Øyvind", "Håkon", "Sindre", "Pål", "Torbjørn", "Jørgen", "Asbjørn", "Magnus", "Øystein", "Ståle",
        "Leif",
      ],
      surnames: [
        "Hansen", "Bjørnstad", "Ødegård", "Solbakken", "Nygård", "Håland", "Strøm", "Bø", "Fjeld", "Sørensen", "Aas",
        "Tveit",
      ],
      hoursLater: -1, isSouthern: false, favourites: ["Hiking": 250, "Run": 115]),
    Country(
      code: "FI", name: "Finland", weight: 2, addressForm: "{s} {n}, {p} {c}",
      cities: [
        City("Helsinki", "00##0", 6017, 2494), City("Jyväskylä", "40##0", 6224, 2575),
        City("Hämeenlinna", "13##0", 6100, 2446), City("Oulu", "90##0", 6501, 2547),
      ],
      streets: [
        "Mannerheimintie", "Hämeenkatu", "Käpytie", "Yliopistonkatu", "Järvitie", "Pyynikintori", "Töölönkatu",
        "Mäkitie",
      ],
      women: [
        "Päivi", "Aino", "Eeva-Maria", "Hilkka", "Saara", "Tuuli", "Säde", "Helmi", "Venla", "Kyllikki", "Lempi",
        "Pihla",
      ],
      men: [
        "Väinö", "Eino", "Jyrki", "Pekka", "Yrjö", "Tapio", "Mikko", "Seppo", "Onni", "Jännes", "Hannu", "Olavi",
      ],
      surnames: [
        "Korhonen", "Virtanen", "Mäkinen", "Nieminen", "Hämäläinen", "Järvinen", "Lehtonen", "Heikkilä", "Jääskeläinen",
        "Sjöblom", "Pöyhönen", "Kärkkäinen",
      ],
      hoursLater: -1, isSouthern: false, favourites: ["Swimming": 130, "Hiking": 130]),
    Country(
      code: "DK", name: "Denmark", weight: 2, addressForm: "{s} {n}, {p} {c}",
      cities: [
        City("København K", "11##", 5568, 1257), City("Aarhus C", "80##", 5616, 1020),
        City("Odense C", "50##", 5540, 1040), City("Helsingør", "30##", 5603, 1261),
      ],
      streets: [
        "Nørregade", "Vestergade", "Strandvejen", "Østerbrogade", "Købmagergade", "Møllevej", "Åboulevarden", "Algade",
      ],
      women: [
        "Freja", "Søs", "Mette", "Kirstine", "Bodil", "Åse", "Signe", "Karen", "Dagmar", "Ida", "Gerda", "Lærke",
      ],
      men: [
        "Søren", "Jørgen", "Mads", "Rasmus", "Bjarke", "Åge", "Niels", "Kjeld", "Frederik", "Jeppe", "Asger", "Øjvind",
      ],
      surnames: [
        "Nielsen", "Jensen", "Sørensen", "Møller", "Østergaard", "Kjær", "Nørgaard", "Bæk", "Lund", "Højgaard",
        "Brøndum",
        "Thygesen",
      ],
      hoursLater: -1, isSouthern: false, favourites: ["Cycling": 240]),
  ]

  private static let poland = Country(
    code: "PL", name: "Poland", weight: 5, addressForm: "ul. {s} {n}, {p} {c}",
    cities: [
      City("Warszawa", "00-###", 5223, 2101), City("Kraków", "31-###", 5006, 1994),
      City("Łódź", "90-###", 5176, 1946), City("Gdańsk", "80-###", 5435, 1865),
    ],
    streets: [
      "Długa", "Świętokrzyska", "Marszałkowska", "Piłsudskiego", "Kościuszki", "Mickiewicza", "Żeromskiego", "Łąkowa",
    ],
    women: [
      "Małgorzata", "Agnieszka", "Bożena", "Zofia", "Elżbieta", "Katarzyna", "Grażyna", "Łucja", "Żaneta", "Ewa",
      "Wiesława", "Hanna",
    ],
    men: [
      "Łukasz", "Paweł", "Michał", "Stanisław", "Wojciech", "Mirosław", "Zdzisław", "Jarosław", "Bogusław", "Jakub",
      "Kazimierz", "Tomasz",
    ],
    surnames: [
      "Nowak", "Kowalski", "Wiśniewski", "Wójcik", "Kamiński", "Zieliński", "Dąbrowski", "Woźniak", "Jabłoński",
      "Górecki", "Łuczak", "Mróz", "Żak", "Gołąb", "Szczęsny", "Świątek",
    ],
    hoursLater: 0, isSouthern: false, favourites: ["Hiking": 120, "Rower": 120])
}
