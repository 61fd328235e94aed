"""How an invoice is settled: payments and credit notes. Pure functions over documents.

They change the invoice that they are given and return the document that records it, unfinished: versions,
`updated_at` and storage are left to the caller, as in `billing`.
"""

from fieldwright.connectors.sandbox.chargebee.pricing import Document


def pay(invoice: Document, amount: int, at: int, transaction_id: str, *, method: str = "card") -> Document:
    """Record a payment on an invoice and give its transaction."""
    invoice["amount_paid"] += amount
    invoice["linked_payments"] = [
        *invoice.get("linked_payments", ()),
        {
            "txn_id": transaction_id,
            "applied_amount": amount,
            "applied_at": at,
            "txn_status": "success",
            "txn_date": at,
            "txn_amount": amount,
        },
    ]
    refresh_due(invoice)
    if invoice["amount_due"] == 0:
        invoice |= {"status": "paid", "paid_at": at}
        if "dunning_status" in invoice:
            invoice["dunning_status"] = "success"
    transaction: Document = {
        "id": transaction_id,
        "customer_id": invoice["customer_id"],
        "payment_method": method,
        "gateway": "chargebee" if method == "card" else "not_applicable",
        "type": "payment",
        "date": at,
        "exchange_rate": invoice["exchange_rate"],
        "currency_code": invoice["currency_code"],
        "amount": amount,
        "status": "success",
        "amount_unused": 0,
        "deleted": False,
        "linked_invoices": [
            {
                "invoice_id": invoice["id"],
                "applied_amount": amount,
                "applied_at": at,
                "invoice_date": invoice["date"],
                "invoice_total": invoice["total"],
                "invoice_status": invoice["status"],
            }
        ],
    }
    if "subscription_id" in invoice:
        transaction["subscription_id"] = invoice["subscription_id"]
    if method == "card":
        transaction |= {
            "masked_card_number": "************1111",
            "last4": "1111",
            "iin": "411111",
            "settled_at": at,
        }
    return transaction


def refresh_due(invoice: Document) -> None:
    """Compute what is still owed from the amounts that were settled in one way or another."""
    settled = sum(invoice[name] for name in ("amount_paid", "amount_adjusted", "write_off_amount", "credits_applied"))
    invoice["amount_due"] = invoice["amount_to_collect"] = max(invoice["total"] - settled, 0)


def draft_credit_note(number: str, invoice: Document, amount: int, at: int, *, kind: str, reason: str) -> Document:
    """A credit note over `amount`, tax included, of an invoice. Kinds: adjustment (reduces what is due), refundable.

    It has one line in proportion; tax is the same share of the invoice's tax."""
    tax = invoice["tax"] * amount // invoice["total"] if invoice["total"] else 0
    first = invoice["line_items"][0]
    line = {
        **first,
        "id": f"li_{number}_1",
        "unit_amount": amount - tax,
        "quantity": 1,
        "amount": amount - tax,
        "tax_amount": tax,
        "discount_amount": 0,
        "reference_line_item_id": first["id"],
    }
    note: Document = {
        "id": number,
        "customer_id": invoice["customer_id"],
        "reference_invoice_id": invoice["id"],
        "type": kind,
        "reason_code": reason,
        "status": "adjusted" if kind == "adjustment" else "refund_due",
        "date": at,
        "price_type": "tax_exclusive",
        "currency_code": invoice["currency_code"],
        "total": amount,
        "sub_total": amount - tax,
        "round_off_amount": 0,
        "fractional_correction": 0,
        "generated_at": at,
        "amount_allocated": amount if kind == "adjustment" else 0,
        "amount_refunded": 0,
        "amount_available": 0 if kind == "adjustment" else amount,
        "line_items": [line],
        "channel": "web",
        "deleted": False,
    }
    if "subscription_id" in invoice:
        note["subscription_id"] = invoice["subscription_id"]
    if tax:
        note["taxes"] = [{**invoice["taxes"][0], "amount": tax}]
        note["line_item_taxes"] = [
            {
                **invoice["line_item_taxes"][0],
                "line_item_id": line["id"],
                "taxable_amount": amount - tax,
                "tax_amount": tax,
            }
        ]
    link = {
        "cn_id": number,
        "cn_reason_code": reason,
        "cn_date": at,
        "cn_total": amount,
        "cn_status": note["status"],
    }
    if kind == "adjustment":
        invoice["amount_adjusted"] += amount
        refresh_due(invoice)
        if invoice["amount_due"] == 0 and invoice["status"] != "paid":
            invoice |= {"status": "paid", "paid_at": at}
        note["allocations"] = [
            {
                "invoice_id": invoice["id"],
                "allocated_amount": amount,
                "allocated_at": at,
                "invoice_date": invoice["date"],
                "invoice_status": invoice["status"],
            }
        ]
        invoice["adjustment_credit_notes"] = [*invoice.get("adjustment_credit_notes", ()), link]
    else:
        invoice["issued_credit_notes"] = [*invoice.get("issued_credit_notes", ()), link]
    return note
