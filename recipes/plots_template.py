"""The page that `dvc plots show` and `dvc plots diff` fill, .dvc/plots.html: it draws without a network.

    pip install vl-convert-python==1.9.0
    python recipes/plots_template.py

DVC's own page loads Vega from the internet. This one holds Vega, Vega-Lite and Vega-Embed, as vl-convert bundles them.
"""

from pathlib import Path

import vl_convert

VEGA_LITE = "5.20"  # DVC's plots are written for Vega-Lite 5
TEMPLATE = Path(__file__).parents[1] / ".dvc/plots.html"
LICENCE = """\
The script below holds Vega, Vega-Lite and Vega-Embed, each under the BSD 3-Clause licence:

Copyright (c) 2015-2023, University of Washington Interactive Data Lab. All rights reserved.

Redistribution and use in source and binary forms, with or without modification, are permitted provided that the
following conditions are met:
1. Redistributions of source code must retain the above copyright notice, this list of conditions and the following
   disclaimer.
2. Redistributions in binary form must reproduce the above copyright notice, this list of conditions and the following
   disclaimer in the documentation and/or other materials provided with the distribution.
3. Neither the name of the copyright holder nor the names of its contributors may be used to endorse or promote products
   derived from this software without specific prior written permission.

THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS AND CONTRIBUTORS "AS IS" AND ANY EXPRESS OR IMPLIED WARRANTIES,
INCLUDING, BUT NOT LIMITED TO, THE IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS FOR A PARTICULAR PURPOSE ARE
DISCLAIMED. IN NO EVENT SHALL THE COPYRIGHT HOLDER OR CONTRIBUTORS BE LIABLE FOR ANY DIRECT, INDIRECT, INCIDENTAL,
SPECIAL, EXEMPLARY, OR CONSEQUENTIAL DAMAGES (INCLUDING, BUT NOT LIMITED TO, PROCUREMENT OF SUBSTITUTE GOODS OR
SERVICES; LOSS OF USE, DATA, OR PROFITS; OR BUSINESS INTERRUPTION) HOWEVER CAUSED AND ON ANY THEORY OF LIABILITY,
WHETHER IN CONTRACT, STRICT LIABILITY, OR TORT (INCLUDING NEGLIGENCE OR OTHERWISE) ARISING IN ANY WAY OUT OF THE USE OF
THIS SOFTWARE, EVEN IF ADVISED OF THE POSSIBILITY OF SUCH DAMAGE.
"""
PAGE = """\
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">{{refresh_tag}}<title>Plots of earmark</title>
<style>body{{font:15px sans-serif}}img{{max-width:100%}}</style>
<!--
{licence}-->
<script>(function(){{{bundle}}})();</script>
</head><body>
{{plot_divs}}
</body></html>
"""


def main() -> None:
    """Write the template."""
    bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=VEGA_LITE)
    if "</script" in bundle.lower() or "{plot_divs}" in bundle:
        raise SystemExit("The bundle would end its own script; take another version of vl-convert-python.")
    TEMPLATE.write_text(PAGE.format(licence=LICENCE, bundle=bundle), encoding="utf-8")


if __name__ == "__main__":
    main()
