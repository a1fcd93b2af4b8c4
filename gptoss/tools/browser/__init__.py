"""The browser that the model was trained on: `browser.search`, `browser.open` and `browser.find`.

    tool         the Tool: a call comes in, a page goes out
    arguments    what a call may say
    page         a page as lines and links; the pages of a branch by cursor
    making       pages from hits and documents
    view         a page as the model sees it: header, line numbers, 1,024 tokens
    finding      matches of a text in a page
    citations    `【cursor†L4-L6】` in an answer to numbered sources
    provider     the port: hits for a query, a document for a URL
    exa, local, web    its adapters; sources: which one a person chose
    ranking      the order of the local hits
    html         HTML and Markdown to text and links; text: what no page may hold
    addresses    which URLs may be fetched at all

Nothing here keeps state between calls: cursors count the pages among the artefacts of earlier calls on the branch.
"""
