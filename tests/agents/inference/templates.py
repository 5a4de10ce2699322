"""Small chat templates in the shapes that real models use, each with the special tokens that it writes."""

LOOP = "{% for message in messages %}"
ASK = "{% if add_generation_prompt %}"

# Qwen3: tools in the system message, results as user turns, thinking of turns before the last question dropped.
QWEN = (
    "{% if tools %}<|im_start|>system\n{% if messages[0].role == 'system' %}{{ messages[0].content }}\n\n{% endif %}"
    "# Tools\n{% for tool in tools %}{{ tool | tojson }}\n{% endfor %}Call one with <tool_call></tool_call><|im_end|>\n"
    "{% elif messages[0].role == 'system' %}<|im_start|>system\n{{ messages[0].content }}<|im_end|>\n{% endif %}"
    "{% set ns = namespace(last=0) %}" + LOOP + "{% if message.role == 'user' %}{% set ns.last = loop.index0 %}"
    "{% endif %}{% endfor %}" + LOOP + "{% if message.role == 'tool' %}<|im_start|>user\n<tool_response>\n"
    "{{ message.content }}\n</tool_response><|im_end|>\n"
    "{% elif message.role == 'assistant' %}<|im_start|>assistant\n{% if loop.index0 > ns.last %}{{ message.content }}"
    "{% else %}{{ message.content.split('</think>')[-1].lstrip('\n') }}{% endif %}<|im_end|>\n"
    "{% elif message.role == 'user' %}<|im_start|>user\n{{ message.content }}<|im_end|>\n{% endif %}{% endfor %}"
    + ASK
    + "<|im_start|>assistant\n{% endif %}"
)
# Llama 3: headers, contents stripped, results of tools as JSON.
LLAMA3 = (
    "{{ '<|begin_of_text|>' }}"
    + LOOP
    + "<|start_header_id|>{{ 'ipython' if message.role == 'tool' else message.role }}"
    "<|end_header_id|>\n\n{% if message.role == 'tool' %}{{ message.content | tojson }}{% else %}"
    "{{ message.content | trim }}{% endif %}<|eot_id|>{% endfor %}"
    + ASK
    + "<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
# Mistral: no generation prompt, turns must alternate, ids of calls have nine letters, the last question holds the
# system message.
MISTRAL = (
    "{% set system = messages[0].content if messages[0].role == 'system' else none %}"
    "{% set turns = messages[1:] if system else messages %}{% set ns = namespace(index=0) %}"
    "{% for message in turns %}{% if message.role != 'tool' %}"
    "{% if (message.role == 'user') != (ns.index % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}"
    "{% set ns.index = ns.index + 1 %}{% endif %}{% endfor %}"
    "<s>{% for message in turns %}{% if message.role == 'user' %}[INST] {% if loop.last and system %}"
    "{{ system + '\n\n' }}{% endif %}{{ message.content }}[/INST]"
    "{% elif message.role == 'tool' %}"
    "{% if message.tool_call_id | length != 9 %}{{ raise_exception('ids') }}{% endif %}"
    '[TOOL_RESULTS] {"content": {{ message.content }}, "call_id": "{{ message.tool_call_id }}"}[/TOOL_RESULTS]'
    "{% else %} {{ message.content }}</s>{% endif %}{% endfor %}"
)
# Gemma: neither system nor tools, turns must alternate, contents stripped.
GEMMA = (
    "{{ '<bos>' }}{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    + LOOP
    + "{% if (message.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('roles must alternate') }}{% endif %}"
    "<start_of_turn>{{ 'model' if message.role == 'assistant' else message.role }}\n{{ message.content | trim }}"
    "<end_of_turn>\n{% endfor %}" + ASK + "<start_of_turn>model\n{% endif %}"
)
# No generation prompt, though the policy's turn has a header; results of tools are left out.
NO_PROMPT = (
    LOOP
    + "{% if message.role != 'tool' %}<|{{ message.role }}|>\n{{ message.content }}<|end|>\n{% endif %}{% endfor %}"
)
# Blanks around the end token.
BLANKS = "{{ '<s>' }}" + LOOP + "[{{ message.role }}] {{ message.content }} \n</s> \n\n {% endfor %}"

# By name: the template, its special tokens with the end of turns first, and the roles that it knows.
TEMPLATES = {
    "qwen": (QWEN, ["<|im_end|>", "<|im_start|>"], {"system", "user", "tool"}),
    "llama3": (
        LLAMA3,
        ["<|eot_id|>", "<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>"],
        {"system", "user", "tool"},
    ),
    "mistral": (MISTRAL, ["</s>", "<s>", "[INST]", "[/INST]", "[TOOL_RESULTS]", "[/TOOL_RESULTS]"], {"user"}),
    "gemma": (GEMMA, ["<end_of_turn>", "<bos>", "<start_of_turn>"], {"user"}),
    "no_prompt": (NO_PROMPT, ["<|end|>", "<|user|>", "<|assistant|>", "<|system|>"], {"system", "user"}),
    "blanks": (BLANKS, ["</s>", "<s>"], {"system", "user", "tool"}),
}
BEGINNINGS = {"llama3": "<|begin_of_text|>", "mistral": "<s>", "gemma": "<bos>", "blanks": "<s>"}
