# FIXME: the LIC_FILES_CHKSUM values have been updated by 'devtool upgrade'.
# The following is the difference between the old and the new license text.
# Please update the LICENSE value if needed, and summarize the changes in
# the commit message via 'License-Update:' tag.
# (example: 'License-Update: copyright years updated.')
#
# The changes:
#
# --- LICENSE
# +++ LICENSE
# @@ -1,3 +1,3 @@
# -a 2023
# +a 2024
#  
#  text
# 
#

SUMMARY = "Greets"
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://LICENSE;md5=2"

SRC_URI = "http://x/y.tar.gz"
SRC_URI[sha256sum] = "2"
