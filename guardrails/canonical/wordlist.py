"""Words that are so common that a few in a row show that a text is meant to be read.

By hand: function words of seven languages, and the words that instructions to a model are made of.
"""

from __future__ import annotations

ENGLISH = """
a about above after again all also always am an and any anything are as ask at back be because been before being below
best better between both but by call can cannot change come could day did different do does don done down during each
else end even every everything find first for from get give go going good great had has have he her here him his how i
if important in into is it its just keep know last less let like list little long look made make many may me mean more
most much must my name need never new next no not nothing now number of off old on once one only open or other our out
over own part people please point put read right said same say see send set she should show since so some something
start state still stop such take tell text than thank thanks that the their them then there these they thing things
think this those through time to today too true two under until up us use used user using very want was way we well
were what when where which while who why will with without word words work world would write year yes you your
access account act admin agent allowed answer anything api assistant attack browser chat click code command comment
complete confidential content context conversation copy credentials data debug decode delete developer disregard do
document domain download email emails enter everything execute exfiltrate explain file files filter follow following
forget format forward function guidelines hacked hacker hello hidden history human hypothetical ignore image important
information input instruction instructions internal key language limits link login mail message messages mode model
obey openai output override password payment phrase policy pretend previous print prior private prompt prompts
provided public question repeat reply request respond response restrictions reveal role rule rules run safety script
secret secrets security sentence server shell story summarize summary system task token tool tools transfer translate
unrestricted url verbatim version warning website
"""
OTHERS = """
aber alle als auch auf aus bei bin bist das dass dein deine dem den der des die dies diese du ein eine einen er es für
gib haben hat ich ihr im ist kann kein keine mein mit muss nach nicht noch nur oder schreibe sein sie sind soll über um
und uns vergiss von vor war was wenn wer werden wie wir wird zu zum zur anweisungen ignoriere passwort regeln vorherigen
au aux avec ce ces cette dans de des dire donne du elle en est et être fais il ils je la le les leur lui ma mais me mes
moi mon ne nous on ou par pas plus pour que qui sans ses son sont sur tes ton tous tout tu une vos votre vous ignore
ignorez instructions oublie oubliez précédentes règles secret
al como con cuando de del donde el ella en era es esta este está hay la las le lo los más mi muy nada no nos o para pero
por porque que se si sin sobre su sus también te tiene todas todo todos tu tus un una y ya yo anteriores contraseña
escribe ignora instrucciones olvida reglas
alla anche che chi con cosa da dal della delle di dove e gli ha il in io la le lei lo loro ma mi ne non nel nella per
perché più quando questa questo se si sono sua suo ti tuo tutte tutti un una dimentica istruzioni precedenti regole
ao aos as até com da das do dos e ela ele em essa esse esta este eu foi isso mais mas meu não nas no nos o os para pela
pelo por quando que sem ser seu sua tem todas todos uma você anteriores esqueça instruções regras senha
aan bij dat de deze die dit door een en er het hij hoe ik je jij kan maar met mijn naar niet nog om onder ook op over te
uit van voor waar wachtwoord wat wij zijn zonder instructies negeer regels vergeet vorige
"""
COMMON: frozenset[str] = frozenset(ENGLISH.split()) | frozenset(OTHERS.split())
"""In small letters."""
