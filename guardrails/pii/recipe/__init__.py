"""How the tagger is made: values from Faker, sentences around them, and real sentences with their names exchanged."""
