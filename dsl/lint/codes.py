"""Codes of findings about targets, keys, order, rules and style: DM3xx, DM4xx, DM5xx, DM7xx, DM8xx, and RT15x."""

from __future__ import annotations

from typing import Final

from fieldwright.dsl.codeinfo import CodeInfo
from fieldwright.dsl.diagnostics import Severity

CODES: Final = (
    CodeInfo(
        "DM301",
        "Unknown object",
        "Objects are written system.Object and must be in a shipped or pulled schema.",
        "to: salesforce.Acount",
        "to: salesforce.Account",
    ),
    CodeInfo(
        "DM302",
        "Unknown field",
        "The object has no such field. Custom fields of an own site or org are declared in a `schema` document.",
        "fields: {Phonee: customer.phone}",
        "fields: {Phone: customer.phone}",
    ),
    CodeInfo(
        "DM303",
        "Field cannot be written",
        "The field is computed by the target, or can be set on create only.",
        "fields: {CreatedDate: customer.created_at}",
        "fields: {OwnerId: {value: customer.cf_owner, write: create_only}}",
    ),
    CodeInfo(
        "DM304",
        "Null into a required field",
        "The target refuses a create without this field, and the value may be null.",
        "fields: {Name: customer.company}",
        "fields: {Name: customer.company ?? customer.id}",
    ),
    CodeInfo(
        "DM305",
        "Text too long",
        "A constant, a row of a value table or a value of an enum has more characters than the field holds.",
        "fields: {CurrencyIsoCode: {const: Euro}}",
        "fields: {CurrencyIsoCode: {const: EUR}}",
    ),
    CodeInfo(
        "DM306",
        "Not in the picklist",
        "A restricted picklist refuses every value that it does not list.",
        "Type__c: {const: PLANN}",
        "Type__c: {const: PLAN}",
    ),
    CodeInfo(
        "DM307",
        "Value table has gaps",
        "A value without a row fails the record. Without `else:` the table must cover the whole enum.",
        "{value: customer.auto_collection, map: {on: 'On'}}",
        "{value: customer.auto_collection, map: {on: 'On', off: 'Off'}}",
    ),
    CodeInfo(
        "DM308",
        "Type does not fit the field",
        "Nothing is converted unless it is written: a number is not a text, money not a plain number in a text field.",
        "fields: {Phone: customer.net_term_days}",
        "fields: {Phone: text(customer.net_term_days)}",
    ),
    CodeInfo(
        "DM309",
        "Instant into a date",
        "An instant falls on different days in different zones. Say the zone.",
        "fields: {CloseDate: subscription.activated_at}",
        "fields: {CloseDate: subscription.activated_at.date(settings.timezone)}",
    ),
    CodeInfo(
        "DM310",
        "Field written twice",
        "Names of fields do not depend on case at the target, so these two are one field.",
        "fields: {Phone: customer.phone, phone: customer.phone}",
    ),
    CodeInfo(
        "DM311",
        "Required field not written",
        "The target refuses a create without it.",
        "to: salesforce.Account   # no Name under fields",
    ),
    CodeInfo(
        "DM312",
        "Row never matches",
        "The value table has a row for something that the value can never be.",
        "{value: customer.auto_collection, map: {onn: 'On', off: 'Off'}}",
        "{value: customer.auto_collection, map: {on: 'On', off: 'Off'}}",
    ),
    CodeInfo(
        "DM313",
        "Doubtful name",
        "The field is deprecated, or its name was worked out from its label and not seen in a real org.",
        severity=Severity.NOTE,
    ),
    CodeInfo(
        "DM314",
        "Reference into a field that holds none",
        "`ref` writes the id of a record; that belongs into a look-up field.",
        "fields: {Phone: {ref: site, key: run.source.domain}}",
    ),
    CodeInfo(
        "DM315",
        "Any text into a restricted picklist",
        "The picklist refuses every value that it does not list, and with it the whole record.",
        "Industry__c: customer.cf_industry",
        "Industry__c: {value: customer.cf_industry, map: {it: Technology}, else: Other}",
        Severity.WARNING,
    ),
    CodeInfo("DM317", "Field declared again", "The schema knows the field already; leave the declaration out."),
    CodeInfo(
        "DM318",
        "Wrong type in this place",
        "A look-up key, the key of a reference or the name of a list is a text; `of` is a list.",
        "each: {of: subscription, as: line}",
        "each: {of: list(subscription), as: line}",
    ),
    CodeInfo(
        "DM319",
        "Not possible at this target",
        "Custom fields and list memberships are made at ActiveCampaign; elsewhere fields exist beforehand.",
    ),
    CodeInfo(
        "DM401",
        "Key not unique",
        "Several records of the target may have this value, and nothing says what happens then.",
        "key: {match: [{field: Phone, with: customer.phone}]}",
        "key: {match: [{field: Phone, with: customer.phone}], on_ambiguous: error}",
        Severity.WARNING,
    ),
    CodeInfo(
        "DM402",
        "Mappings wait for each other",
        "References and `after:` order the mappings; a circle cannot be ordered.",
    ),
    CodeInfo("DM403", "Unknown mapping", "A reference, `after:` or a rule names a mapping that is not there."),
    CodeInfo(
        "DM404",
        "Mapping not applied",
        "The project does not apply the mapping that this one refers to, so no record would ever be found.",
    ),
    CodeInfo(
        "DM405",
        "Key not written",
        "Records created by this mapping lack the field by which it looks for them.",
        severity=Severity.WARNING,
    ),
    CodeInfo("DM406", "Unknown library", "`use:` names no functions or tables document."),
    CodeInfo("DM407", "Unknown value table", "`table:` names none of the tables that `use:` brings."),
    CodeInfo("DM408", "Unknown set", "`sum_of` names none of the mapping's sets of child rows."),
    CodeInfo("DM409", "Not a key", "A key is a text or number, never a list or a record."),
    CodeInfo("DM410", "Unknown mapping in the project", "`apply:` names a mapping that is not there, or twice."),
    CodeInfo("DM501", "Ruleset and mapping do not meet", "`driven_by` names no ruleset, or a ruleset drives nothing."),
    CodeInfo(
        "DM502",
        "Rule never reached",
        "An earlier rule always holds, or has the same condition. The first rule that holds decides.",
    ),
    CodeInfo(
        "DM503",
        "Unused setting",
        "No expression asks for the setting: giving it a value changes nothing.",
        severity=Severity.WARNING,
    ),
    CodeInfo(
        "DM504",
        "Undecided records possible",
        "A record for which no rule holds is an error of that record. End with a rule without `when:`.",
        severity=Severity.WARNING,
    ),
    CodeInfo("DM505", "Mapping not driven by the ruleset", "A rule runs a mapping that does not name this ruleset."),
    CodeInfo("DM506", "Parameters do not match", "A rule gives a mapping other parameters than it declares."),
    CodeInfo("DM507", "Setting without a value", "A required setting has no default, and the project gives none."),
    CodeInfo("DM508", "Wrong value for a setting", "The value is not of the setting's type."),
    CodeInfo("DM509", "Unknown setting", "The project or a policy names a setting that no document declares."),
    CodeInfo(
        "DM650",
        "Mapping removed",
        "Compared with the other revision, a mapping is gone or is not applied any more: what it kept in step is left "
        "as it is. Only `lint --against` says so.",
    ),
    CodeInfo(
        "DM651",
        "Field dropped",
        "Compared with the other revision, a field or a list of rows is not written any more. Its last values stay at "
        "the target and grow stale. Where that is meant, raise `version:` of the mapping.",
    ),
    CodeInfo(
        "DM652",
        "Key changed",
        "Records are looked for by another key than in the other revision. Those that the new key does not find are "
        "created a second time. Fill the new key field first, then change the mapping and raise its `version:`.",
        "match: [{field: Phone, with: customer.phone}]   # was Id__c",
    ),
    CodeInfo(
        "DM653",
        "Direction or object changed",
        "The mapping reads from, or writes to, something else than in the other revision. A new mapping of another "
        "name is clearer; else raise `version:`.",
    ),
    CodeInfo(
        "DM654",
        "Policy widened",
        "More is overwritten, cleared or created than in the other revision: what people entered at the target may be "
        "lost. Raise `version:` where that is meant.",
        "Phone: {value: customer.phone, write: always}   # was if_empty",
    ),
    CodeInfo(
        "DM655",
        "Deleted records handled differently",
        "`on_source_delete` is not what it was in the other revision.",
        "on_source_delete: delete   # was keep",
    ),
    CodeInfo("DM701", "Unused value", "A named value that nothing uses.", severity=Severity.WARNING),
    CodeInfo(
        "DM702",
        "Unused read",
        "A declared read that nothing uses still costs calls.",
        severity=Severity.WARNING,
    ),
    CodeInfo(
        "DM703",
        "Allowance without a reason",
        "Whoever reads the file next asks why the warning may be ignored.",
        "# interpret: allow DM401",
        "# interpret: allow DM401 -- one price book a site",
    ),
    CodeInfo(
        "DM704",
        "Allowance that allows nothing",
        "The warning is gone, or it is an error, which cannot be allowed. Delete the comment.",
        severity=Severity.WARNING,
    ),
    CodeInfo("DM801", "Mapping without a test", "No test document speaks of the mapping.", severity=Severity.NOTE),
    CodeInfo(
        "DM802",
        "Example does not hold",
        "The examples of a function are its tests. Either the body or the example is wrong.",
        "{given: {first: 20, second: 50}, gives: 70}",
        "{given: {first: 20, second: 50}, gives: 60}",
    ),
    CodeInfo("DM803", "Test of nothing", "A test document names no mapping, overlay or ruleset that is there."),
    CodeInfo("RT151", "Condition of a rule is null", "The rules cannot decide about a record; say what null means."),
    CodeInfo("RT152", "No rule holds", "No rule of a ruleset holds for a record; end with a rule without `when:`."),
    CodeInfo("RT153", "Condition needs what was not read", "A rule looks at a part of the record that was not read."),
)
