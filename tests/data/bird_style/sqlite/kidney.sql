CREATE TABLE Patient (
  ID INTEGER PRIMARY KEY, SEX TEXT, Birthday DATE, "First Date" DATE, Admission TEXT, Diagnosis TEXT,
  "Height (cm)" REAL, "Weight (kg)" REAL, "Smoker?" INTEGER, "Next of Kin" TEXT, City TEXT, Insurer TEXT
);
CREATE TABLE Laboratory (
  ID INTEGER REFERENCES Patient (ID), Date DATE, GOT INTEGER, GPT INTEGER, LDH INTEGER, ALP INTEGER,
  TP REAL, ALB REAL, UA REAL, UN INTEGER, CRE REAL, "T-BIL" REAL, "T-CHO" INTEGER, TG INTEGER,
  CPK INTEGER, GLU INTEGER, WBC REAL, RBC REAL, HGB REAL, HCT REAL, PLT INTEGER, PT REAL,
  "PT-INR" REAL, APTT INTEGER, FG REAL, PIC INTEGER, "AT3 (%)" INTEGER, "U-PRO" TEXT, IGG INTEGER,
  IGA INTEGER, IGM INTEGER, CRP TEXT, RA TEXT, RF TEXT, C3 INTEGER, C4 INTEGER, RNP TEXT, SM TEXT,
  "SC-170" TEXT, SSA TEXT, SSB TEXT, DNA TEXT, "DNA-II" INTEGER, "Na+" REAL, "K+" REAL, "Ca++" REAL,
  "eGFR, ml/min" REAL, PRIMARY KEY (ID, Date)
);
CREATE TABLE Examination (
  ID INTEGER REFERENCES Patient (ID), "Examination Date" DATE, "aCL IgG" REAL, "aCL IgM" REAL,
  ANA INTEGER, "ANA Pattern" TEXT, "aCL IgA" INTEGER, Diagnosis TEXT, KCT TEXT, RVVT TEXT, LAC TEXT,
  Symptoms TEXT, Thrombosis INTEGER, "BP sys/dia" TEXT
);
CREATE TABLE "Drug Orders" (
  "Order #" INTEGER PRIMARY KEY, "Patient ID" INTEGER REFERENCES Patient (ID), Drug TEXT,
  "Dose (mg)" REAL, "Times/Day" INTEGER, "Start" DATE, "End" DATE, "Prescribed By" TEXT
);
INSERT INTO Patient VALUES
 (1, 'F', '1934-02-13', '1991-05-01', '+', 'SLE', 160, 55, 0, 'Son', 'Kyoto', 'A'),
 (2, 'M', '1960-11-30', '1993-09-27', '-', 'RA susp.', 175, 82.5, 1, NULL, 'Osaka', 'B'),
 (3, 'F', '1982-07-07', '1996-01-15', '+', 'SJS, RA', 158, NULL, NULL, 'Sister', 'Kyoto', NULL);
INSERT INTO Laboratory (ID, Date, GOT, GPT, LDH, ALB, UA, UN, CRE, "T-BIL", "T-CHO", TG, CPK, GLU, WBC, HGB, HCT, PLT, PT, "AT3 (%)", "U-PRO", IGG, CRP, RA, C3, SSA, DNA, "Na+", "K+", "eGFR, ml/min") VALUES
 (1, '1992-06-12', 34, 28, 567, 4.3, 7.9, 25, 1.6, 0.8, 261, 210, 99, 110, 9.8, 11.2, 33.1, 88, 13.5, 92, '30', 1850, '1.2', '-', 34, 'negative', '0', 140.1, 4.2, 48),
 (1, '1993-01-20', 61, 70, 480, 3.1, 6.1, 31, 2.1, 2.2, 240, 190, 260, 98, 3.2, 10.1, 30.0, 450, 14.8, 88, '0', 2100, '-', '+-', 29, '16', NULL, 138.0, 5.3, 33),
 (2, '1994-10-02', 18, 20, 210, 4.6, 5.0, 14, 0.8, 0.6, 180, 100, 80, 91, 6.4, 15.0, 44.0, 230, 12.0, 99, 'TR', 1200, '0.3', '-', 40, 'negative', '0', 141.0, 4.0, 95);
INSERT INTO Examination VALUES
 (1, '1992-06-20', 3.1, 2.4, 256, 'P', 0, 'SLE', '-', '-', '-', 'stroke', 1, '130/85'),
 (2, '1994-11-01', 0.9, 1.8, 16, 'S', 3, 'RA', '+', '-', '+', NULL, 0, '120/80'),
 (3, '1997-01-27', 12.0, 8.8, 4096, 'P,S', 1, 'SJS', NULL, NULL, NULL, 'brain infarction', 2, '145/95');
INSERT INTO "Drug Orders" VALUES (10, 1, 'Prednisolone', 12.5, 2, '1992-06-21', '1992-12-31', 'Dr. Abe'), (11, 1, 'Heparin', 5000, 1, '1993-01-21', NULL, 'Dr. Abe'), (12, 3, 'Aspirin', 100, 1, '1997-01-28', '1997-03-01', 'Dr. Mori');
