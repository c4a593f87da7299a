"""The W3C VC API over HTTP, behind `lyrikstore w3c serve` (docs/serve.md)."""
