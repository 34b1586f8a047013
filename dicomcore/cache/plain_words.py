"""Words that say what was examined and how, and never whom: all that pseudonyms leave of a free text.

A description can hold a name, a date of birth, a telephone number, in any spelling. Taking out what looks like one
misses some; so only words that are known to be harmless stay.
"""

from __future__ import annotations

TERMS = """
AR AS ASMT AU BDUS BI BMD CR CT CTPROTOCOL DG DMS DOC DX ECG EEG EMG EOG EPS ES FID GM HC HD IO IOL IVOCT IVUS KER KO
LEN LS M3D MG MR NM OAM OCT OP OPM OPT OPTBSV OPTENF OPV OSS OT PA PLAN POS PR PT PX REG RESP RF RG RTDOSE RTIMAGE
RTINTENT RTPLAN RTRAD RTRECORD RTSEGANN RTSTRUCT RWV SEG SM SMR SR SRF STAIN TEXTUREMAP TG US VA XA XAPROTOCOL XC CF
CS DD DF DS EC FA LP MA MS OCTVL ST VF DM FS EL AN
"""

MODALITIES = frozenset(TERMS.split())
"""The defined terms of Modality, retired ones too (PS3.3 C.7.3.1.1.1)."""

PLACES = """
abdomen abdominal abdomino adrenal ankle aorta aortic appendix arm artery arteries axilla back bladder bone bowel
brain breast bronchi bronchus calcaneus cardiac carotid cervical chest circle clavicle coccyx colon cord coronary
cranial cranium disc ductus duodenum ear elbow esophagus extremity eye face facial femoral femur fetal fibula finger
foot forearm gallbladder gland groin hand head heart heel hepatic hip humerus ilium internal intestine jaw joint
kidney kidneys knee larynx leg leber lens liver lumbar lung lungs lymph mandible mastoid maxilla mediastinum mouth
muscle nasal neck nerve nose oesophagus orbit orbits organ ovary pancreas parotid patella pelvic pelvis perineum
petrous pharynx pituitary placenta prostate pulmonary radius rectum renal rib ribs sacral sacroiliac sacrum scapula
scrotum shoulder sinus sinuses skeleton skin skull spinal spine spleen sternum stomach temporal testis thigh thoracic
thorax throat thumb thymus thyroid tibia toe tongue trachea ulna ureter urethra urinary uterus vagina vascular vein
venous ventricle vertebra vertebrae vessels wrist zygoma tspine lspine cspine achsel arterien arterie auge becken bein
blase brust brustkorb brustwirbelsaule bws darm daumen ellenbogen fuss gefass gefasse gehirn gelenk gesicht hals
halswirbelsaule handgelenk harnblase haut herz hirn huft hufte hws kehlkopf kiefer knie knochen kopf kreuzbein
lebermilz lendenwirbelsaule lunge lws magen milz nacken nasennebenhohlen nebenniere niere nieren oberarm oberbauch
oberschenkel ohr rippen schadel schilddruse schulter sprunggelenk stirn unterarm unterbauch unterschenkel wirbel
wirbelsaule zeh zehen bassin bras cerveau cheville cou coude crane epaule foie genou hanche jambe main poignet poumon
rachis rein reins tete cabeza cadera cerebro codo columna corazon cuello hombro higado mano muneca pecho pie pierna
pulmon rodilla tobillo torax addome bacino braccio caviglia collo cranio cuore fegato ginocchio gomito polmone spalla
testa
"""

HOW = """
ct cta ctp cbct mr mri mra mrv mrcp mrs fmri us pet petct petmr spect nm pt xa rf cr dx mg dsa ivp mammo mammography
angio angiogram angiography arthro arthrography bolus cine fluoro fluoroscopy doppler duplex echo elastography
radiograph radiography scan scintigraphy sonography tomography tomosynthesis topogram scout localizer localiser
locator survey surview planning calibration test phantom demo ultrasound xray axial ax tra transverse transversal
sagittal sag coronal cor oblique obl lateral lat frontal anterior posterior ap pa left right bilateral both upper
lower superior inferior proximal distal medial prone supine erect standing sitting decubitus expiration inspiration
breathhold bh arterial delayed delay early late native phase portal portovenous equilibrium perfusion diffusion
dynamic dyn contrast enhanced unenhanced noncontrast nonenhanced gadolinium gd iodine iv oral with without wo w pre
post plus minus and or of the for to in on at by from before after no not each per new old same other single double
multi t1 t2 t1w t2w t2star pd pdw flair stir dwi adc swi swan asl bold tof dti space mprage spgr fspgr fse tse se gre
ge ffe tfe flash fiesta trufi truefisp bssfp vibe lava thrive dixon dess medic haste ssfse propeller blade ciss fisp
epi fatsat fs fat sat water inphase outphase ip op opp mdixon trace b0 b50 b500 b800 b1000 map maps fa cbf cbv mtt
tmax ttp mip minip mpr mpr3d vr vrt 3d 2d 4d recon reconstruction reformat reformatted volume rendering segmentation
sum subtraction sub average averaged mean std image images series sequence study exam examination protocol routine
standard high low fast long short thick thin slice slices hr hrct res resolution hd full body whole wb limited
follow up followup control emergency trauma screening staging therapy biopsy intervention interventional puncture
drainage guided guidance intraoperative implant stent prosthesis fracture tumor tumour lesion infarct stroke bleeding
hemorrhage embolism aneurysm stenosis metastasis metastases calcium score scoring colonography enterography urography
cholangiography myelography venography lymphography hysterosalpingography soft tissue window kernel smooth sharp
medium iterative filtered raw corrected uncorrected attenuation ac nac attcorr static gated gating ecg ekg rest stress
fdg psma dotatate mibi tc99m tetrofosmin sestamibi mdp dat suv report dose sr structured summary key object note
presentation state secondary capture screenshot document pdf waveform lead twelve rhythm default derived original
primary mit ohne nach vor und oder links rechts nativ kontrast kontrastmittel km spat fruh aufnahme untersuchung
befund rontgen kontrolle verlauf dunn dick liegend stehend seitlich ebene ebenen avec sans et gauche droite injection
coupe con sin y derecha izquierda contraste destra sinistra senza synthetic sample example unknown none
"""

MAKERS = """
siemens healthineers healthcare medical systems philips canon toshiba hitachi fujifilm fuji agfa carestream kodak
hologic samsung mindray esaote konica minolta shimadzu varian elekta accuray brainlab bruker mediso united imaging
neusoft planmeca
"""

PLAIN_WORDS = frozenset(f"{PLACES} {HOW} {MAKERS}".split())
"""In small letters without accents."""
