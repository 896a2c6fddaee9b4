"""The one registry: every type of event, the model of its data, and the topic it travels in."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from events import contracts, impacts, licences, parties, purchases, rules
from events.model import Data


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic and the types it carries; fact topics flow in and are kept for ever, the others are answers."""

    name: str
    types: Mapping[str, type[Data]]
    facts: bool


WITHDRAWN = "fact.withdrawn"

TOPICS: Mapping[str, Topic] = MappingProxyType(
    {
        topic.name: topic
        for topic in (
            Topic(
                "contracts",
                {
                    "exporter.registered": contracts.ExporterRegistered,
                    "contract.signed": contracts.ContractSigned,
                    "contract.amended": contracts.ContractAmended,
                    "contract.assigned": contracts.ContractAssigned,
                    "contract.cancelled": contracts.ContractCancelled,
                    "contract.dated": contracts.ContractDated,
                    "goods.shipped": contracts.GoodsShipped,
                    "loss.stated": contracts.LossStated,
                },
                facts=True,
            ),
            Topic(
                "licences",
                {
                    "licence.applied": licences.LicenceApplied,
                    "licence.granted": licences.LicenceGranted,
                    "licence.used": licences.LicenceUsed,
                    "licence.suspended": licences.LicenceSuspended,
                    "licence.reinstated": licences.LicenceReinstated,
                    "licence.revoked": licences.LicenceRevoked,
                    "quota.opened": licences.QuotaOpened,
                    "document.filed": licences.DocumentFiled,
                    "list.entered": licences.ListEntered,
                    "list.removed": licences.ListRemoved,
                    "party.matched": parties.PartyMatched,
                    "party.unmatched": parties.PartyUnmatched,
                },
                facts=True,
            ),
            Topic(
                "purchases",
                {
                    "component.ordered": purchases.ComponentOrdered,
                    "component.purchased": purchases.ComponentPurchased,
                    "component.disposed": purchases.ComponentDisposed,
                    "component.order_cancelled": purchases.ComponentOrderCancelled,
                },
                facts=True,
            ),
            Topic(
                "rules",
                {
                    "rule.announced": rules.RuleAnnounced,
                    "rule.enacted": rules.RuleEnacted,
                    "goods.published": rules.GoodsPublished,
                    "codes.published": rules.CodesPublished,
                    "leadtime.published": rules.LeadtimePublished,
                    "fx.published": rules.FxPublished,
                    WITHDRAWN: rules.FactWithdrawn,
                },
                facts=True,
            ),
            Topic(
                "impacts",
                {"verdict.changed": impacts.VerdictChanged, "loss.estimated": impacts.LossEstimated},
                facts=False,
            ),
        )
    }
)

FACT_TOPICS = tuple(name for name, topic in TOPICS.items() if topic.facts)
DATA: Mapping[str, type[Data]] = MappingProxyType(
    {name: model for topic in TOPICS.values() for name, model in topic.types.items()}
)


_TOPIC_OF = {name: topic.name for topic in TOPICS.values() for name in topic.types}


def topic_of(event_type: str) -> str:
    """The topic a type travels in; a withdrawal may travel in any fact topic and is sent with the rules."""
    return _TOPIC_OF[event_type]
