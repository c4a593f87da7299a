"""The W3C VC API over HTTP, behind `lyrikstore serve` (docs/serve.md)."""
