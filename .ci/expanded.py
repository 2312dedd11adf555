"""Counts the resources each template has once SAM has expanded it.

cfn-lint does not see the limit of 500 resources in an expanded template. Works offline.
Usage: expanded.py LIMIT TEMPLATE...
"""

import logging
import os
import sys

from samcli.lib.translate.sam_template_validator import SamTemplateValidator
from samcli.yamlhelper import yaml_parse

TOTAL_LIMIT = 2300


def expanded(path):
    """The number of resources in the template at this path."""
    with open(path, encoding="utf-8") as file:
        template = yaml_parse(file.read())
    region = os.environ["AWS_DEFAULT_REGION"]
    # No function of ours takes a managed policy by name, so nothing asks IAM for the list.
    validator = SamTemplateValidator(template, managed_policy_loader=None, region=region)
    translated = yaml_parse(validator.get_translated_template_if_valid())
    return len(translated["Resources"])


def main(limit, paths):
    """Prints a line for each template; fails where one, or all together, are over their limit."""
    logging.disable(logging.WARNING)
    total, over = 0, False
    for path in paths:
        count = expanded(path)
        total += count
        over = over or count > limit
        print(f"{count:5} of {limit:5}  {path}")
    print(f"{total:5} of {TOTAL_LIMIT:5}  all stacks")
    return 1 if over or total > TOTAL_LIMIT else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
