"""fieldwright: keep Chargebee in step with Salesforce and ActiveCampaign from YAML mappings."""

__version__ = "0.1.0"
