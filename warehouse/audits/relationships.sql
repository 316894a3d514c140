-- Rows whose key is not found in the table it refers to.
AUDIT (
  name relationships
);

SELECT child.*
FROM @this_model AS child
LEFT JOIN @parent AS referred ON referred.@parent_column = child.@column
WHERE child.@column IS NOT NULL AND referred.@parent_column IS NULL;
