"""DNS failover for machines in several availability zones and a Prometheus exporter, in one."""

__version__ = "0.1.0"
