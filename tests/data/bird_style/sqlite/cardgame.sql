CREATE TABLE cards (
  id INTEGER PRIMARY KEY, artist TEXT, asciiName TEXT, availability TEXT, borderColor TEXT, cardKingdomFoilId TEXT,
  cardKingdomId TEXT, colorIdentity TEXT, colorIndicator TEXT, colors TEXT, convertedManaCost REAL, duelDeck TEXT,
  edhrecRank INTEGER, faceConvertedManaCost REAL, faceName TEXT, flavorName TEXT, flavorText TEXT, frameEffects TEXT,
  frameVersion TEXT, hand TEXT, hasAlternativeDeckLimit INTEGER, hasContentWarning INTEGER, hasFoil INTEGER,
  hasNonFoil INTEGER, isAlternative INTEGER, isFullArt INTEGER, isOnlineOnly INTEGER, isOversized INTEGER,
  isPromo INTEGER, isReprint INTEGER, isReserved INTEGER, isStarter INTEGER, isStorySpotlight INTEGER, isTextless INTEGER,
  isTimeshifted INTEGER, keywords TEXT, layout TEXT, leadershipSkills TEXT, life TEXT, loyalty TEXT, manaCost TEXT,
  mcmId TEXT, mtgArenaId TEXT, mtgjsonV4Id TEXT, multiverseId TEXT, name TEXT, number TEXT, originalReleaseDate TEXT,
  originalText TEXT, originalType TEXT, otherFaceIds TEXT, power TEXT, printings TEXT, promoTypes TEXT,
  purchaseUrls TEXT, rarity TEXT, scryfallId TEXT, setCode TEXT REFERENCES sets (code), side TEXT, subtypes TEXT,
  supertypes TEXT, tcgplayerProductId TEXT, text TEXT, toughness TEXT, type TEXT, types TEXT, uuid TEXT UNIQUE,
  variations TEXT, watermark TEXT
);
CREATE TABLE sets (
  id INTEGER PRIMARY KEY, baseSetSize INTEGER, block TEXT, booster TEXT, code TEXT UNIQUE, isFoilOnly INTEGER,
  isForeignOnly INTEGER, isNonFoilOnly INTEGER, isOnlineOnly INTEGER, isPartialPreview INTEGER, keyruneCode TEXT,
  mcmId INTEGER, mcmName TEXT, mtgoCode TEXT, name TEXT, parentCode TEXT, releaseDate DATE, tcgplayerGroupId INTEGER,
  totalSetSize INTEGER, type TEXT
);
CREATE TABLE legalities (id INTEGER PRIMARY KEY, format TEXT, status TEXT, uuid TEXT REFERENCES cards (uuid));
CREATE TABLE rulings (id INTEGER PRIMARY KEY, date DATE, text TEXT, uuid TEXT REFERENCES cards (uuid));
CREATE TABLE foreign_data (id INTEGER PRIMARY KEY, flavorText TEXT, language TEXT, multiverseid INTEGER, name TEXT, text TEXT, type TEXT, uuid TEXT REFERENCES cards (uuid));
CREATE TABLE set_translations (id INTEGER PRIMARY KEY, language TEXT, setCode TEXT REFERENCES sets (code), translation TEXT);
INSERT INTO sets (id, baseSetSize, block, code, isFoilOnly, isOnlineOnly, keyruneCode, mcmName, name, releaseDate, totalSetSize, type) VALUES
 (1, 383, 'Core Set', '10E', 0, 0, '10E', 'Tenth Edition', 'Tenth Edition', '2007-07-13', 508, 'core'), (2, 302, NULL, 'LEA', 0, 0, 'LEA', 'Alpha', 'Limited Edition Alpha', '1993-08-05', 295, 'core'), (3, 249, 'Ravnica', 'RNA', 0, 0, 'RNA', NULL, 'Ravnica Allegiance', '2019-01-25', 273, 'expansion');
INSERT INTO cards (id, artist, availability, borderColor, colorIdentity, colors, convertedManaCost, edhrecRank, faceName, flavorText, frameVersion, hasFoil, hasNonFoil, isPromo, isReprint, isTextless, keywords, layout, leadershipSkills, manaCost, multiverseId, name, number, originalType, power, printings, rarity, setCode, side, subtypes, supertypes, text, toughness, type, types, uuid, watermark) VALUES
 (1, 'Pete Venters', 'mtgo,paper', 'black', 'W', 'W', 7.0, 16916, NULL, 'Ancestor''s wisdom', '2003', 0, 1, 0, 1, 0, 'First strike', 'normal', '{"brawl": false, "commander": true}', '{5}{W}{W}', '130550', 'Ancestor''s Chosen', '1', 'Creature - Human Cleric', '4', '10E,JUD', 'uncommon', '10E', NULL, 'Human,Cleric', NULL, 'First strike', '4', 'Creature', 'Creature', 'u-1', NULL),
 (2, 'Volkan Baga', 'paper', 'black', 'U,B', 'U,B', 2.0, 480, NULL, NULL, '2015', 1, 1, 0, 0, 0, NULL, 'split', NULL, '{U}{B}', '457', 'Fire // Ice', '22a', NULL, '*', 'RNA', 'mythic', 'RNA', 'a', NULL, 'Legendary', '{T}: Tap 50% of it.', '1+*', 'Legendary Creature', 'Creature', 'u-2', 'azorius'),
 (3, 'Rebecca Guay', 'mtgo', 'white', NULL, NULL, 0, NULL, NULL, NULL, '1993', 0, 1, 1, 0, 1, NULL, 'normal', NULL, NULL, NULL, 'Black Lotus', '233', 'Artifact', NULL, 'LEA', 'rare', 'LEA', NULL, NULL, NULL, NULL, NULL, 'Artifact', 'Artifact', 'u-3', NULL);
INSERT INTO legalities VALUES (1, 'commander', 'Legal', 'u-1'), (2, 'vintage', 'Restricted', 'u-3'), (3, 'legacy', 'Banned', 'u-3'), (4, 'modern', 'Legal', 'u-2');
INSERT INTO rulings VALUES (1, '2007-07-15', 'A triggered ability.', 'u-1'), (2, '2009-10-01', 'This counts "you".', 'u-2');
INSERT INTO foreign_data VALUES (1, NULL, 'German', 148411, 'Ausgewählter der Ahnfrau', 'Erstschlag', 'Kreatur', 'u-1'), (2, NULL, 'Japanese', 148412, '祖神に選ばれし者', NULL, NULL, 'u-1');
INSERT INTO set_translations VALUES (1, 'German', '10E', 'Hauptset Zehnte Edition'), (2, 'Italian', '10E', NULL), (3, 'Japanese', 'RNA', 'ラヴニカの献身');
